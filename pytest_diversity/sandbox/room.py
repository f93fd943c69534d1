"""Programs that could not start their threads run again one at a time, when there is room."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Lock

__all__ = ["ATTEMPTS", "QUIET", "alone"]

ATTEMPTS = 20  # of such a program, while others take all the room
QUIET = 2  # of them that find room and fail all the same, before it is the program's own doing
_LOCK = Lock()


@contextmanager
def alone() -> Iterator[None]:
    """Look for room as the only one: two would take it from each other.

    The only one of this process by its lock, and of all others by one on this very file, which
    they all have.
    """
    with _LOCK, Path(__file__).open("rb") as file:
        with suppress(OSError):  # a file system without locks
            fcntl.flock(file, fcntl.LOCK_EX)
        yield
