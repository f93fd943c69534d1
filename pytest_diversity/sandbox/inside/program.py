"""What runs inside a program's process once its walls are closed: load it, call it, answer.

Nothing here is trusted by anyone outside: the program shares this process, and can do to it
whatever it likes. All it can gain is the last word about itself.
"""

from __future__ import annotations

import atexit
import builtins
import random
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from importlib.abc import Loader, MetaPathFinder
from importlib.util import find_spec
from io import BytesIO, TextIOWrapper
from json import dumps, loads
from os import read, write
from types import FrameType, ModuleType
from typing import Any, NoReturn

from .confine import leave
from .judgement import BadCheckError, Report, judge, load
from .peer import GoneError, Peer, everything
from .wire import TooLargeError, encode, type_name

__all__ = ["REPLY", "REQUESTS", "run"]

# The functions below keep looking up these builtins, whatever a program puts in their place.
globals()["__builtins__"] = dict(vars(builtins))

REPLY, REQUESTS = 3, 4  # descriptors: answers out; a check, or its questions, in
SEED = 0
OURS = 12  # frames and calls between `run` and what a program or a check defines, and some more


def run(job: dict[str, Any], nonce: bytes) -> NoReturn:
    """Run the program of `job`, report on `REPLY`, and end the process."""
    output = sys.stdout
    _fix_random()
    sys.setrecursionlimit(sys.getrecursionlimit() + _depth() + OURS)
    if job["style"] == "serve":
        _serve(job)
    else:
        report = _STYLES[job["style"]](job)
        with suppress(OSError, ValueError):  # the program may have closed it
            output.flush()
        _write(nonce + _text(report, job["result"]))
    leave(0)


def _depth() -> int:
    """The frames that are below: a program is to have as many of its own as elsewhere."""
    frame: FrameType | None = sys._getframe()  # noqa: SLF001 - there is no public way
    depth = 0
    while frame := frame and frame.f_back:
        depth += 1
    return depth


def _write(data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[write(REPLY, view) :]


def _text(report: Report, size: int) -> bytes:
    text = dumps(report, separators=(",", ":"))
    return (text if len(text) <= size else '["output-limit",null]').encode("ascii")


def _outcome(action: Callable[[], Any]) -> Report:
    """What comes of an action, as a report: whatever it raises is an outcome too."""
    try:
        return ["ok", action()]
    except TooLargeError:
        return ["output-limit", None]
    except MemoryError:
        return ["memory", None]
    except SystemExit as stop:
        code = stop.code
        return ["exit", code if isinstance(code, int) else 0 if code is None else 1]
    except BaseException as error:  # noqa: BLE001 - whatever a program raises is its outcome
        return ["exception", type_name(type(error))[:200]]


def _load(job: dict[str, Any], name: str) -> Report | dict[str, Any]:
    """Execute the source as module `name`: its namespace, or the report of its failure."""
    try:
        code = compile(job["source"], "<program>", "exec", dont_inherit=True)
    except (SyntaxError, ValueError, UnicodeError):
        return ["syntax", None]
    except (RecursionError, MemoryError, OverflowError) as error:
        return ["exception", type(error).__name__]
    module = ModuleType(name)
    sys.modules[name] = module
    report = _outcome(lambda: exec(code, vars(module)))  # noqa: S102 - what all this is for
    return vars(module) if report[0] == "ok" else report


def _script(job: dict[str, Any]) -> Report:
    loaded = _load(job, "__main__")
    if isinstance(loaded, list) and loaded != ["exit", 0]:
        return loaded
    return _outcome(_end)


def _end() -> None:
    """End as an interpreter does: wait for the threads, then run what was registered for it."""
    threading._shutdown()  # type: ignore[attr-defined] # noqa: SLF001 - there is no public way
    atexit._run_exitfuncs()  # noqa: SLF001 - as above


def _entry(job: dict[str, Any]) -> Report | tuple[Callable[..., Any], dict[str, Any]]:
    """The entry point and the program's names, or the report of why there is none."""
    loaded = _load(job, "program")
    if isinstance(loaded, list):
        return loaded
    entry = loaded.get(job["entry"])
    return (entry, loaded) if callable(entry) else ["exception", "NameError"]


def _call(job: dict[str, Any]) -> Report:
    found = _entry(job)
    if isinstance(found, list):
        return found
    return _outcome(lambda: encode(found[0](*job["args"]), job["result"], job["calls"]))


def _judge(job: dict[str, Any]) -> Report:
    """Let the check, which is read only now, call the program as Python would."""
    found = _entry(job)
    if isinstance(found, list):
        return found
    entry, names = found
    trusted = loads(b"".join(iter(lambda: read(REQUESTS, 1 << 16), b"")))

    def verdict() -> Report:
        try:
            check = load(trusted["prefix"], trusted["check"], {}, names)
            return judge(check, entry, names)
        except BadCheckError as error:
            return ["bad-check", str(error)]

    report = _outcome(verdict)
    return report[1] if report[0] == "ok" else report


def _serve(job: dict[str, Any]) -> None:
    """Answer a check in another process until it hangs up."""
    found = _entry(job)
    if not isinstance(found, list):
        with suppress(GoneError):
            _Answers(*found).serve()


class _Answers(Peer):
    """The program's side of a conversation with a check: it hides nothing."""

    def __init__(self, entry: Any, names: dict[str, Any]) -> None:
        super().__init__(REQUESTS, REPLY, first=1)
        self.verbs = everything(names, entry)
        self.kept = BytesIO()
        self.output = sys.stdout = TextIOWrapper(self.kept, "utf-8", write_through=True)

    def printed(self) -> str:
        """What the check may have redirected."""
        with suppress(OSError, ValueError):  # the program may have closed it
            self.output.flush()
            text = self.kept.getvalue().decode("utf-8", "backslashreplace")
            self.kept.seek(0)
            self.kept.truncate()
            return text
        return ""


_STYLES = {"script": _script, "call": _call, "judge": _judge}


def _fix_random() -> None:
    random.seed(SEED)
    if numpy := sys.modules.get("numpy.random"):
        numpy.seed(SEED)
    else:
        sys.meta_path.insert(0, _SeedNumpy())


class _SeedNumpy(MetaPathFinder):
    """Seed numpy's generator when, and only if, a program imports it."""

    def find_spec(self, name: str, *_: object) -> Any:
        if name != "numpy.random":
            return None
        sys.meta_path.remove(self)
        spec = find_spec(name)
        if spec and spec.loader:
            _seed_after(spec.loader)
        return spec


def _seed_after(loader: Loader) -> None:
    execute = loader.exec_module

    def exec_module(module: ModuleType) -> None:
        execute(module)
        module.seed(SEED)

    loader.exec_module = exec_module  # type: ignore[method-assign] # this one instance
