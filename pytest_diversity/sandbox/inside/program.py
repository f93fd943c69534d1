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
from json import dumps, loads
from os import read, write
from types import ModuleType
from typing import Any, NoReturn

from .confine import leave
from .wire import TooLargeError, decode, encode, type_name

__all__ = ["REPLY", "REQUESTS", "run"]

# The functions below keep looking up these builtins, whatever a program puts in their place.
globals()["__builtins__"] = dict(vars(builtins))

REPLY, REQUESTS = 3, 4  # descriptors: answers out; calls of a checker in
SEED = 0

Report = list[Any]  # [kind, value]


def run(job: dict[str, Any], nonce: bytes) -> NoReturn:
    """Run the program of `job`, report on `REPLY`, and end the process."""
    output = sys.stdout
    _fix_random()
    if job["style"] == "serve":
        _serve(job)
    else:
        report = _script(job) if job["style"] == "script" else _call(job)
        with suppress(OSError, ValueError):  # the program may have closed it
            output.flush()
        _write(nonce + _text(report, job["result"]))
    leave(0)


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


def _entry(job: dict[str, Any]) -> Report | Callable[..., Any]:
    loaded = _load(job, "program")
    if isinstance(loaded, list):
        return loaded
    entry = loaded.get(job["entry"])
    return entry if callable(entry) else ["exception", "NameError"]


def _call(job: dict[str, Any]) -> Report:
    entry = _entry(job)
    if isinstance(entry, list):
        return entry
    return _outcome(lambda: encode(entry(*job["args"]), job["result"]))


def _serve(job: dict[str, Any]) -> None:
    """Answer the calls of a checker until it hangs up."""
    entry = _entry(job)
    for line in _lines():
        if isinstance(entry, list):
            _write(_text(["unloaded", entry], job["result"]) + b"\n")
            continue
        call = decode(loads(line))
        report = _outcome(lambda: encode(entry(*call[0], **call[1]), job["result"]))  # noqa: B023 - used at once
        after = _outcome(lambda: encode(call, job["result"]))  # noqa: B023 - as above
        _write(_text([*report, after[1]], job["result"]) + b"\n")


def _lines() -> Any:
    kept = b""
    while chunk := read(REQUESTS, 1 << 16):
        *lines, kept = (kept + chunk).split(b"\n")
        yield from lines


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
