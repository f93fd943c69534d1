"""Locks between processes that say whom they wait for."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from pytest_diversity.errors import StoreError, reason_of

__all__ = ["holding"]

SAID_AFTER = 10.0  # seconds
_LONGEST = 200  # of what a lock file may say: it is another process's word


@contextmanager
def holding(path: Path, purpose: str, say: Callable[[str], None]) -> Iterator[None]:
    """Hold the lock `path` after everyone who has it; say who that is, after ten seconds.

    Args:
        path: Its file; folders are made.
        purpose: What it is held for, for those who wait: "draws the samples of base".
        say: Shows a line to a person.

    Raises:
        StoreError: There can be no such file.
    """
    lock = FileLock(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _take(lock, path, say)
    except OSError as error:
        raise StoreError(
            f"the lock {path} cannot be taken: {reason_of(error)}",
            fix=f"make {path.parent} a folder that you can write to, or name another file with "
            "--diversity-store",
        ) from None
    try:
        with suppress(OSError):
            path.write_text(f"process {os.getpid()} on {socket.gethostname()}, which {purpose}")
        yield
    finally:
        lock.release()


def _take(lock: FileLock, path: Path, say: Callable[[str], None]) -> None:
    said = None
    while True:
        try:
            lock.acquire(timeout=SAID_AFTER)
        except Timeout:
            holder = _holder(path)
            if holder != said:
                say(f"waiting for {holder}")
            said = holder
        else:
            return


def _holder(path: Path) -> str:
    try:
        text = path.read_text(encoding="utf-8", errors="replace")[:_LONGEST]
    except OSError:
        text = ""
    return "".join(filter(str.isprintable, text)) or "another process"
