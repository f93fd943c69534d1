"""Judges programs without running them: checks run here, the program's calls elsewhere.

This process never holds a program's code, and the program's process never holds a check, so a
program can neither read what is asked nor write the verdict. What it can do is answer calls,
which is what it is judged by; answers are plain data by the time a check sees them, so that an
object which claims to equal everything is worth nothing.
"""

from __future__ import annotations

import builtins
import contextlib
import json
import os
import random
import resource
import socket
from typing import Any

from . import channel
from .confine import Wall, WallError, die_with, leave
from .server import CONTROL_IN, CONTROL_OUT, HANDOVER, clock, preload, rlimits, settle
from .wire import Opaque, decode, encode

__all__ = ["main"]

FAILURES = ("exception", "exit", "syntax", "memory", "output-limit")  # never "ok"
LONGEST = 2 << 20  # of one answer, with its arguments


class ProgramError(Exception):
    """The program raised something that is no builtin exception."""


class ProgramGoneError(BaseException):
    """The program's process ended; its fork server knows why. No check can catch this."""


class ProgramFailedError(BaseException):
    """The program gave no answer for a reason that is its outcome; no check can catch this."""


class _BadCheckError(BaseException):
    """The check itself is at fault; no check can catch this either."""


class _Candidate:
    """The program's entry point, as a check sees it."""

    def __init__(self, replies: int, requests: int) -> None:
        self.replies = replies
        self.requests = requests
        self.kept = bytearray()

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        self._ask([list(arguments), named])
        line = self._line()
        try:
            kind, value, *after = json.loads(line)
            answer = decode(value) if kind == "ok" else _failure(kind, value)
            if after:
                _update([*arguments, *named.values()], decode(after[0]))
        except Exception:  # noqa: BLE001 - no answer of ours: the program wrote it itself
            raise ProgramGoneError from None
        if kind == "ok":
            return answer
        raise answer

    def _ask(self, call: list[Any]) -> None:
        wire = encode(call)
        if foreign := _objects(call):
            raise _BadCheckError(f"passes {foreign} to the program; only plain data can cross")
        view = memoryview(json.dumps(wire).encode("ascii") + b"\n")
        try:
            while view:
                view = view[os.write(self.requests, view) :]
        except BrokenPipeError:
            raise ProgramGoneError from None

    def _line(self) -> bytes:
        while b"\n" not in self.kept:
            chunk = os.read(self.replies, 1 << 16)
            if not chunk or len(self.kept) > LONGEST:
                raise ProgramGoneError
            self.kept += chunk
        line, _, self.kept = self.kept.partition(b"\n")
        return bytes(line)


def _objects(call: list[Any]) -> str | None:
    """The type of the first argument that only the check could have made, and cannot pass."""
    for argument in [*call[0], *call[1].values()]:
        wire = encode(argument)
        if isinstance(wire, list) and wire[0] == "object" and not isinstance(argument, Opaque):
            return type(argument).__name__
    return None


def _update(arguments: list[Any], after: list[Any]) -> None:
    """Let the check see what the program did to the arguments themselves."""
    values = [*after[0], *after[1].values()]
    for argument, value in zip(arguments, values, strict=True):
        if type(argument) is not type(value):
            continue
        if isinstance(argument, (list, bytearray)):
            argument[:] = value
        elif isinstance(argument, (dict, set)) and argument != value:
            argument.clear()
            argument.update(value)


def _failure(kind: str, value: Any) -> BaseException:
    """What a check sees of a call that gave no value: an exception that it may expect, or its end.

    A program that could not even be loaded comes as `unloaded` with its own report.
    """
    if kind == "exception":
        known = getattr(builtins, value, ProgramError)
        builtin = isinstance(known, type) and issubclass(known, Exception)
        return known.__new__(known) if builtin else ProgramError(value)
    kind, value = value if kind == "unloaded" else (kind, value)
    return ProgramFailedError([FAILURES[FAILURES.index(kind)], value and str(value)])


def _namespace(job: dict[str, Any]) -> dict[str, Any]:
    namespace: dict[str, Any] = {"__name__": "check"}
    try:
        for part in (job["prefix"], job["check"]):
            exec(compile(part or "", "<check>", "exec", dont_inherit=True), namespace)  # noqa: S102 - the user's check
    except BaseException as error:  # noqa: BLE001 - whatever it is, it is the check's
        raise _BadCheckError(f"cannot be loaded: {type(error).__name__}: {error}") from None
    if not callable(namespace.get("check")):
        raise _BadCheckError("defines no function check(candidate)")
    return namespace


def _verdict(job: dict[str, Any], replies: int, requests: int) -> list[Any]:
    random.seed(0)
    try:
        _namespace(job)["check"](_Candidate(replies, requests))
    except _BadCheckError as error:
        return ["bad-check", str(error)]
    except ProgramGoneError:
        return ["gone", None]
    except ProgramFailedError as error:
        return list(error.args[0])
    except BaseException as error:  # noqa: BLE001 - whatever a check raises means "wrong"
        return ["exception", type(error).__name__]
    return ["ok", None]


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
                verdict = _verdict(job, replies, requests)
            os.close(replies)
            os.close(requests)
            channel.send(CONTROL_OUT, verdict)
    leave(0)
