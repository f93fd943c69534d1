"""The second opinion: a check that runs here, with a program that runs in another process.

What a program says of itself is believed by nobody: one whose check passes in its own process is
checked here once more. The program can neither read what is expected nor touch what judges it;
it can answer, and plain answers are compared here. Where the two opinions differ although
everything crossed as it is, the first one was forged.
"""

from __future__ import annotations

import builtins
import contextlib
import os
import random
import resource
import socket
import sys
from collections.abc import Iterator
from types import BuiltinFunctionType, CodeType, FrameType, MethodType, ModuleType, TracebackType
from typing import Any

from . import channel, peer
from .confine import Wall, WallError, die_with, leave
from .crossing import UncrossableError
from .judgement import BadCheckError, judge, load
from .mirror import COMPARISONS, OPERATORS, SPECIALS
from .peer import GoneError, Peer, special, steps
from .server import CONTROL_IN, CONTROL_OUT, HANDOVER, clock, preload, rlimits, settle

__all__ = ["main"]

# Of a check: names of what a mirror shows otherwise than its object, and of what belongs to the
# whole process, which is another one here. A check that has one may fail for that alone.
_INTROSPECTION = frozenset(
    """
    type id vars hasattr pickle inspect signature dataclasses __class__ __dict__ gc weakref dis
    """.split()  # noqa: SIM905 - read as text
)
_AMBIENT = frozenset(
    """
    patch mock setattr stdin stderr redirect_stderr input environ putenv chdir warnings warns
    logging localcontext getcontext setcontext setlocale settrace setprofile setrecursionlimit
    getrecursionlimit seed setstate modules signal alarm thread Thread threading gc time
    perf_counter
    """.split()  # noqa: SIM905 - read as text
)
_HIDDEN = (ModuleType, FrameType, CodeType, TracebackType)
_BY_CHANCE = random.SystemRandom()  # which no seed foretells
_OPPOSITE = {"__lt__": "__gt__", "__gt__": "__lt__", "__le__": "__gt__", "__ge__": "__lt__"}


class _Names(dict[str, Any]):
    """The globals of a check; what neither it nor the prompt defines may be the program's."""

    def __init__(self, witness: _Witness) -> None:
        super().__init__()
        self.witness = witness

    def __missing__(self, name: str) -> Any:
        if hasattr(builtins, name) or name == "check" or name.startswith("__"):
            raise KeyError(name)
        return self.witness.ask("name", name)


class _Witness(Peer):
    """The check's side: it shows no more of itself than the program needs to be called."""

    def __init__(self, replies: int, requests: int) -> None:
        super().__init__(replies, requests, first=0)
        self.verbs = {"special": self._special, "get": self._get, "steps": steps}
        self.asked_by_operator = False
        self.showed: set[str] = set()
        self.lied = False
        self.gone = False
        self.deep = False
        self.looked_inside = False  # of an object of the program, as to copy it
        self.raised: BaseException | None = None  # by the program, the last time

    def may_show(self, value: Any) -> bool:
        kind = type(value)
        if issubclass(kind, _HIDDEN):
            return False
        if not issubclass(kind, (type, MethodType, BuiltinFunctionType)) and not callable(value):
            self.showed.add(kind.__name__)
        return True

    def print_out(self, text: str) -> None:
        sys.stdout.write(text)

    def ask(self, verb: str, *arguments: Any) -> Any:
        if verb == "get" and arguments[1][:2] == "__" and arguments[1] != "__class__":
            self.looked_inside = True
        try:
            return super().ask(verb, *arguments)
        except GoneError:
            self.gone = True
            raise
        except (RecursionError, MemoryError):  # with less room than the program alone has
            self.deep = True
            raise
        except BaseException as error:
            self.raised = error
            raise

    def special(self, mirror: Any, name: str, arguments: Any, named: Any) -> Any:
        """Operators give away what is expected, so their answers are put to the test.

        An object cannot tell the question from those whose answer must be another: at least one
        comes before it, so that agreeing once is not enough, and some may come after it.
        """
        if name not in OPERATORS:
            return super().special(mirror, name, arguments, named)
        decoys = [*_decoys(name, arguments[0])] if name in COMPARISONS else []
        _BY_CHANCE.shuffle(decoys)
        before = _BY_CHANCE.randint(min(1, len(decoys)), len(decoys))
        agreed = [self._agrees(mirror, *one) for one in decoys[:before]]
        answer = super().special(mirror, name, arguments, named)
        if answer is NotImplemented:
            return answer
        self.asked_by_operator = True
        if decoys and answer is not False and self._holds(answer):
            agreed += [self._agrees(mirror, *one) for one in decoys[before:]]
            self.lied |= any(agreed)
        return answer

    def _agrees(self, mirror: Any, name: str, value: Any) -> bool:
        """Whether an object says this of itself, too."""
        try:
            return self._holds(self.ask("special", mirror, name, (value,), {}))
        except Exception:  # noqa: BLE001 - it does not say so
            return False

    def _holds(self, answer: Any) -> bool:
        try:
            return answer is not NotImplemented and bool(answer)
        except Exception:  # noqa: BLE001 - neither true nor false
            return False

    def _own(self, value: Any) -> Any:
        if self.crossing.numbers.get(id(value)) not in self.crossing.own:
            raise AttributeError("only what was passed to the program can be used by it")
        return value

    def _special(self, value: Any, name: str, arguments: Any, named: Any) -> Any:
        if name not in SPECIALS:
            raise AttributeError(name)
        return special(self._own(value), name, arguments, named)

    def _get(self, value: Any, name: str) -> Any:
        """An attribute that a class of the check, or an Enum, gives its objects."""
        places = [vars(one) for one in type(value).__mro__ if one.__module__ in ("check", "enum")]
        if places and hasattr(value, "__dict__"):
            places.append(vars(value))
        if name.startswith("_") or not any(name in place for place in places):
            raise AttributeError(f"{type(value).__name__!r} object has no attribute {name!r}")
        return getattr(self._own(value), name)

    def doubt(self, check: str, error: BaseException | None) -> str | None:
        """Why a check may fail here, and pass where it is with the program."""
        names = {*_names(compile(check, "<check>", "exec", dont_inherit=True))}
        if self.deep or isinstance(error, (RecursionError, MemoryError)):
            return "it needs all of the memory or stack"
        if found := sorted(names & _AMBIENT):
            return f"the check uses {found[0]}"
        ours = error is not None and error is not self.raised
        looked = self.looked_inside or names & _INTROSPECTION
        if (kinds := self.mirrors.kinds) and (looked or ours):
            return f"it gives an object of type {min(kinds)}"
        if "coroutine" in kinds:
            return "it gives coroutines"
        return f"the check passes {min(self.showed)}" if self.showed else None


def _decoys(name: str, value: Any) -> Iterator[tuple[str, Any]]:
    """What an object that says this of itself cannot say as well."""
    if name in _OPPOSITE:
        yield _OPPOSITE[name], value
    elif name == "__eq__":
        for other in _others(value):
            yield name, other


def _others(value: Any) -> Iterator[Any]:
    """What is not equal to a value, though much like it."""
    noise = _BY_CHANCE.getrandbits(64)
    yield from (noise, str(noise))
    kind = type(value)
    if kind is bool:
        yield not value
    elif kind in (int, float, complex):
        yield from (value + 1, value - 1, value + 2 * _BY_CHANCE.randint(1, 99), value + noise)
    elif kind in (str, list, tuple):
        yield value + kind(str(noise))
        if value:
            last = "!" if value[-1:] == kind("?") else "?"
            yield from (value[:-1] + kind(last), value[:-1])
    elif kind is dict:
        yield from ({**value, noise: noise}, dict.fromkeys(value, noise))
    elif kind in (set, frozenset):
        yield value | {noise}


def _names(code: CodeType) -> Iterator[str]:
    """All names in some code, and in the functions that it defines."""
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _names(constant)


def _opinion(job: dict[str, Any], replies: int, requests: int) -> list[Any]:
    """What the check comes to here: `ok`, `fails`, `unclear`, `gone` or `bad-check`, and why."""
    random.seed(0)
    witness = _Witness(replies, requests)
    result, error = _result(job, witness)
    if witness.gone:
        return ["gone", None]
    if witness.lied:
        return ["fails", None]
    if result == "passes" and witness.asked_by_operator:
        return ["unclear", "its own operators decide"]
    if result == "fails" and (why := witness.doubt(job["check"], error)):
        return ["unclear", why]
    return [result, str(error)[:200] if error else None]


def _result(job: dict[str, Any], witness: _Witness) -> tuple[str, BaseException | None]:
    """How the check ends here, and what it raised if that was no assertion of its own."""
    try:
        candidate = witness.ask("entry")
        namespace = load(job["prefix"], job["check"], _Names(witness), {job["entry"]: candidate})
        return ("passes" if judge(namespace, candidate, vars(peer))[0] == "ok" else "fails"), None
    except BadCheckError as error:
        return "bad-check", error
    except UncrossableError as error:
        return "unclear", error
    except BaseException as error:  # noqa: BLE001 - whatever a check raises means that it fails
        return "fails", error


def main(config: dict[str, Any]) -> None:
    """Judge programs, one job a message, until the other side hangs up."""
    die_with(config["parent"])  # None where bubblewrap stands between, and dies with it
    settle(config["handover"])
    preload(config["preload"])
    limits = rlimits(config["limits"], resource.RLIMIT_AS)
    del limits[resource.RLIMIT_CPU]  # its life is long; whoever asks bounds each answer
    try:
        readable = config["readable"]
        wall = Wall.build(config["barrier"], "checker", readable, limits, config["abi"])
        wall.close(keep=HANDOVER + 1)
    except WallError as error:
        channel.send(CONTROL_OUT, {"error": str(error)})
        leave(1)
    channel.send(CONTROL_OUT, {})
    handover = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM, 0, HANDOVER)
    with contextlib.suppress(EOFError):
        while True:
            job = channel.receive(CONTROL_IN)
            _, (replies, requests), *_ = socket.recv_fds(handover, 1, 2)
            with clock(config["limits"]):
                opinion = _opinion(job, replies, requests)
            os.close(replies)
            os.close(requests)
            channel.send(CONTROL_OUT, opinion)
    leave(0)
