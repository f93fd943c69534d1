"""A process of the sandbox, from outside: started clean, spoken to, and ended."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from time import monotonic, sleep
from typing import IO, TYPE_CHECKING, Any, cast

from .executables import find_executable
from .inside import channel

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .languages import Language
    from .model import Limits
    from .walls import Tier

__all__ = ["ForkServer", "LateError", "ServerFailedError"]

_HERE = Path(__file__).parent
_START = (
    "import json,sys;sys.path.insert(0,sys.argv[1]);from importlib import import_module;"
    "main=import_module('inside.'+sys.argv[2]).main;use=import_module('inside.packages').use;"
    "del sys.path[0];config=json.loads(sys.argv[3]);use(config['path'],config['modules']);"
    "main(config)"
)
# -P and -s: nothing of the current folder or the user; -I would ignore PYTHONHASHSEED.
_PYTHON = (sys.executable, "-P", "-s", "-B", "-c", _START)
START_SECONDS = 60.0  # for imports on a busy machine
ROOM_SECONDS = 60.0  # for a machine that has no room for one more process
END_SECONDS = 5.0  # for ending by itself, before it is killed
# What generated programs import most, and what they could not import where no file can be opened.
COMMON = (
    "typing", "collections", "math", "re", "itertools", "functools", "string", "random",
    "heapq", "bisect", "datetime", "json", "copy", "operator", "hashlib",
)  # fmt: skip
CLOSED = (
    "abc", "array", "ast", "asyncio", "base64", "binascii", "calendar", "cmath", "contextlib",
    "dataclasses", "decimal", "difflib", "enum", "fractions", "inspect", "io", "numbers",
    "pprint", "queue", "secrets", "statistics", "struct", "textwrap", "threading", "traceback",
    "types", "unicodedata", "unittest", "uuid", "warnings", "weakref", "zlib",
)  # fmt: skip


class ServerFailedError(Exception):
    """The process cannot be started, has died, or does not answer."""


class LateError(ServerFailedError):
    """The process is there, but its answer is not, in all the time that it had."""


class ForkServer:
    """One fork server or checker."""

    def __init__(
        self,
        kind: str,
        language: Language,
        limits: Limits,
        tier: Tier,
        *,
        seed: int = 0,
        handover: int | None = None,
        imports: Sequence[str] = (),
    ) -> None:
        """Start it, without waiting: `ready` does.

        Args:
            kind: `zygote` or `checker`.
            language: What its programs are written in.
            limits: What each execution may use.
            tier: The walls to put up.
            seed: Of the hashes of strings, on which the order of sets depends.
            handover: A socket between a fork server and its checker.
            imports: Modules that its programs find imported, at no cost of theirs.
        """
        config = _config(language, limits, tier) | {"handover": handover, "imports": imports}
        if kind == "checker" and tier.barrier == "no-open":
            config["preload"] = (*config["preload"], "numpy")  # whose arrays programs may give
        outside = _bubblewrap(language) if tier.barrier == "bubblewrap" else []
        command = [*outside, *_PYTHON, str(_HERE), kind, json.dumps(config)]
        self.process = _start_patiently(command, seed, handover)
        self.pipes = cast(
            "tuple[IO[bytes], IO[bytes], IO[bytes]]",
            (self.process.stdin, self.process.stdout, self.process.stderr),
        )
        self.into, self.out = self.pipes[0].fileno(), self.pipes[1].fileno()

    def ready(self) -> dict[str, Any]:
        """Wait until its walls are prepared; what it says about them."""
        hello: dict[str, Any] = self.receive(START_SECONDS)
        if "error" in hello:
            raise ServerFailedError(hello["error"])
        return hello

    def send(self, job: dict[str, Any]) -> None:
        """Hand it a job."""
        try:
            channel.send(self.into, job)
        except OSError as error:
            raise ServerFailedError(self._end()) from error

    def receive(self, seconds: float) -> Any:
        """Its next answer."""
        try:
            return channel.receive(self.out, seconds)
        except TimeoutError:
            raise LateError("does not answer") from None
        except (EOFError, OSError, ValueError) as error:
            end = self._end()
            raise (LateError if self._ran_out() else ServerFailedError)(end) from error

    def _ran_out(self) -> bool:
        """Whether its own clock ended it; bubblewrap gives a signal as a shell does."""
        clocks = (signal.SIGPROF, signal.SIGALRM)
        return self.process.returncode in {n for s in clocks for n in (-s, 128 + s)}

    def _end(self) -> str:
        try:
            status = self.process.wait(0.5)
        except subprocess.TimeoutExpired:
            return "does not answer"
        # what it said while it started: before it serves, it closes its standard error
        said = self.pipes[2].read().decode(errors="replace").strip().splitlines()
        return said[-1] if said else f"ended with status {status}"

    def kill(self) -> None:
        """End it at once: whoever waits for its answer hears that it is gone."""
        self.process.kill()

    def close(self, *, at_once: bool = False) -> None:
        """End it and whatever it runs; its children end with it."""
        if at_once:
            self.process.kill()
        self.pipes[0].close()
        try:
            self.process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.pipes[1].close()
        self.pipes[2].close()


def _start(command: list[str], seed: int, handover: int | None) -> subprocess.Popen[bytes]:
    return subprocess.Popen(  # noqa: S603 - our own interpreter and our own file
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment(seed),
        cwd="/",
        start_new_session=True,
        pass_fds=() if handover is None else (handover,),
    )


def _start_patiently(
    command: list[str], seed: int, handover: int | None
) -> subprocess.Popen[bytes]:
    """Start a process; where the machine has no room for one more, wait for it."""
    until = monotonic() + ROOM_SECONDS
    while True:
        try:
            return _start(command, seed, handover)
        except BlockingIOError as error:
            if monotonic() > until:
                raise ServerFailedError(f"the machine has no room for it: {error}") from error
            sleep(0.05)


def environment(seed: int = 0) -> dict[str, str]:
    """All of a program's environment: nothing of ours, and the same on every machine."""
    return {
        "PYTHONHASHSEED": str(seed),
        "PYTHONUTF8": "1",
        "PYTHONIOENCODING": "utf-8:strict",  # a lone surrogate is the program's error
        "LC_ALL": "C.UTF-8",
        "TZ": "UTC",
        "HOME": "/",
        "PATH": "/usr/bin:/bin",
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "MKL_NUM_THREADS": "1",
        "MALLOC_ARENA_MAX": "1",  # else glibc reserves 64 MiB of address space a thread
        "UV_USE_IO_URING": "0",  # node: not through the filter
    }


def _config(language: Language, limits: Limits, tier: Tier) -> dict[str, Any]:
    """What the process is told: `inside` knows no other part of this package."""
    return {
        "parent": None if tier.barrier == "bubblewrap" else os.getpid(),
        "barrier": tier.barrier,
        "abi": tier.abi,
        "language": language.name,
        "command": language.command,
        "readable": language.readable,
        "path": language.packages.path,
        "modules": language.packages.modules or {},
        "limits": vars(limits) | {"preload": ()},
        "preload": _preload(language, limits, tier),
    }


def _preload(language: Language, limits: Limits, tier: Tier) -> Sequence[str]:
    if language.name != "python":
        return ()
    return (*COMMON, *(CLOSED if tier.barrier == "no-open" else ()), *limits.preload)


def _bubblewrap(language: Language) -> list[str]:
    """A namespace of nothing but the readable paths, all of them read-only."""
    command = [
        find_executable("bwrap") or "bwrap",
        "--unshare-all",
        "--die-with-parent",
        "--new-session",
    ]
    configuration = os.path.join(sys.prefix, "pyvenv.cfg")  # noqa: PTH118 - a string is wanted
    interpreter = (sys.executable, os.path.realpath(sys.executable), configuration)
    for path in dict.fromkeys((*interpreter, *language.readable, str(_HERE))):
        command += ["--ro-bind-try", path, path]
    for device in ("null", "zero", "random", "urandom"):
        command += ["--dev-bind", f"/dev/{device}", f"/dev/{device}"]
    return [*command, "--remount-ro", "/", "--"]
