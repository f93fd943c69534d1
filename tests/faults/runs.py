"""Runs of pytest that are put under a fault: each is forked from a process that has imported all.

So a run takes a fraction of a second, and what a random moment meets is work, not imports.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, TypeAlias

from tests.processes import PYTEST

__all__ = ["OPERATIONS", "Inside", "Running", "fork", "spawn"]

Inside: TypeAlias = Callable[[Path], AbstractContextManager[object]]
FLAGS = (
    "-p",
    "no:cacheprovider",
    "-p",
    "pytest_diversity.plugin.hooks",
    "--diversity-deterministic",
)
ENVIRONMENT = {
    "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",  # half of what a start takes is other people's plugins
    "OMP_NUM_THREADS": "1",
    "COLUMNS": "400",
}
_LONGEST = 120.0  # seconds; a run that takes longer hangs
OPERATIONS = ("open", "os.", "shutil.", "tempfile.", "sqlite3.", "fcntl.", "socket.connect")
_forks = multiprocessing.get_context("forkserver")
_forks.set_forkserver_preload(["tests.faults.preloaded"])


class Running:
    """A run of pytest in a process group of its own.

    Attributes:
        output: The file with all that it prints.
    """

    def __init__(self, process: Any, output: Path, told: Connection | None = None) -> None:
        """Hold the process; `told` says when it has come to an operation on files."""
        self._process = process
        self._told = told
        self.output = output
        self.began = time.monotonic()

    @property
    def alive(self) -> bool:
        """Whether it has not ended."""
        return self._code() is None

    def _code(self) -> int | None:
        if isinstance(self._process, subprocess.Popen):
            return self._process.poll()
        code: int | None = self._process.exitcode
        return code

    def wait_for_operation(self) -> None:
        """Until it has come to the operation that it was started to tell of, or has ended."""
        while self._told is not None and self.alive and not self._told.poll(0.05):
            pass

    def operations(self) -> int:
        """How many operations on files it has done, when it has ended."""
        counted = 0
        with suppress(EOFError):
            while self._told is not None and self._told.poll():
                counted = self._told.recv()
        return counted

    def kill(self) -> None:
        """`kill -9` to it and everything that it has started."""
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self.wait()

    def wait(self) -> int:
        """Its exit code; one that hangs is killed, and fails."""
        join = getattr(self._process, "join", None) or self._process.wait
        with suppress(subprocess.TimeoutExpired):
            join(_LONGEST)
        code = self._code()
        if code is None:
            self.kill()
            raise AssertionError(f"it hangs: {self.text()[-2000:]}")
        return code

    def text(self) -> str:
        """What it has printed."""
        return self.output.read_text(encoding="utf-8", errors="replace")


def fork(
    folder: Path,
    arguments: Sequence[str],
    inside: Inside = nullcontext,
    operation: int | None = None,
) -> Running:
    """A run in `folder`, under what `inside` puts it under.

    Args:
        folder: Where it runs.
        arguments: Of pytest.
        inside: Entered in its process before pytest begins.
        operation: The number of the operation on files that it tells of.
    """
    output = folder.with_suffix(".output")
    ours, theirs = _forks.Pipe(duplex=False)
    process = _forks.Process(
        target=_run, args=(folder, output, (*FLAGS, *arguments), inside, (operation, theirs))
    )
    process.start()
    theirs.close()
    assert ours.recv() == "begun"
    return Running(process, output, ours)


def spawn(
    folder: Path, arguments: Sequence[str], environment: Mapping[str, str] | None = None
) -> Running:
    """The same in a new interpreter, for what must be there before it starts."""
    output = folder.with_suffix(".output")
    with output.open("w") as file:
        process = subprocess.Popen(  # noqa: S603 - our own command
            [*PYTEST, *FLAGS, *arguments],
            cwd=folder,
            stdout=file,
            stderr=subprocess.STDOUT,
            env={**_clean(os.environ), **(environment or {})},
            start_new_session=True,
        )
    return Running(process, output)


def _run(
    folder: Path,
    output: Path,
    arguments: Sequence[str],
    inside: Inside,
    told: tuple[int | None, Connection],
) -> None:
    import pytest  # noqa: PLC0415 - in the process that has it already

    operation, tell = told
    os.setsid()
    os.chdir(folder)
    _print_to(output)
    for name in set(os.environ) - _clean(os.environ).keys():
        del os.environ[name]
    os.environ.update(ENVIRONMENT)
    tell.send("begun")
    with inside(folder):
        count = _count_operations(operation, tell)
        code = pytest.main(list(arguments))
        tell.send(count())
    os._exit(int(code))


def _print_to(output: Path) -> None:
    file = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    for number, name in ((1, "stdout"), (2, "stderr")):
        os.dup2(file, number)
        setattr(sys, name, os.fdopen(number, "w", buffering=1, closefd=False))


def _count_operations(which: int | None, tell: Connection) -> Callable[[], int]:
    """What counts them; at number `which` it is told, before that is done."""
    counted = 0

    def hear(event: str, _: tuple[object, ...]) -> None:
        nonlocal counted
        if event.startswith(OPERATIONS):
            counted += 1
            if counted == which:
                tell.send("now")

    sys.addaudithook(hear)
    return lambda: counted


def _clean(environment: Mapping[str, str]) -> dict[str, str]:
    """Without what the run that starts this one has said of itself."""
    ours = ("PYTEST_", "CI", "GITHUB_", "COV_", "COVERAGE_", "OPENAI_")
    rest = {name: value for name, value in environment.items() if not name.startswith(ours)}
    return {**rest, **ENVIRONMENT}
