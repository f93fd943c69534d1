"""The self-test: a program that tries to break out, and names every attempt that succeeded."""

# ruff: noqa: PTH101, PTH102, PTH108, PTH123, PTH211 - the attempts are on system calls

from __future__ import annotations

import ctypes
import fcntl
import os
import resource
import socket
from collections.abc import Callable

__all__ = ["probe"]

SEIZE = 0x4206  # linux/ptrace.h; unlike attaching, it stops nobody
libc = ctypes.CDLL(None, use_errno=True)


def _fork() -> None:
    if os.fork() == 0:
        os._exit(0)


def _exec() -> None:
    try:
        os.execv("/nowhere", ["nowhere"])  # noqa: S606 - an attempt, which would not get far
    except FileNotFoundError:
        return


def _write(path: str) -> None:
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT))


def _read(path: str) -> None:
    with open(path, "rb") as file:
        file.read(1)


def _truncate(path: str) -> None:
    os.close(os.open(path, os.O_RDONLY | os.O_TRUNC))


def _signal_by_owner(pid: int) -> None:
    fcntl.fcntl(0, fcntl.F_SETOWN, pid)


def _refused(result: int) -> None:
    if result < 0:
        raise OSError(ctypes.get_errno(), "refused")


def probe(victim: str, port: int, tester: int) -> list[str]:
    """Try everything; "ran", then what succeeded."""
    parent = os.getppid()
    attempts: dict[str, Callable[[], object]] = {
        "read a file": lambda: _read(victim),
        "read the password file": lambda: _read("/etc/passwd"),
        "read an environment": lambda: _read("/proc/self/environ"),
        "write a file": lambda: _write(victim),
        "truncate a file": lambda: _truncate(victim),
        "create a file": lambda: _write(victim + ".new"),
        "make a folder": lambda: os.mkdir(victim + ".folder"),
        "link a file": lambda: os.symlink(victim, victim + ".link"),
        "delete a file": lambda: os.unlink(victim),
        "change permissions": lambda: os.chmod(victim, 0o600),
        "signal its parent": lambda: os.kill(parent, 0),
        "signal the tests": lambda: os.kill(tester, 0),
        "signal everyone": lambda: os.kill(-1, 0),
        "own a signal": lambda: _signal_by_owner(parent),
        "raise a limit": lambda: resource.prlimit(0, resource.RLIMIT_CPU, (9, 9)),
        "limit its parent": lambda: resource.prlimit(parent, resource.RLIMIT_CPU),
        "open a socket": socket.socket,
        "connect": lambda: socket.socket().connect(("127.0.0.1", port)),
        "open a UNIX socket": lambda: socket.socket(socket.AF_UNIX),
        "trace": lambda: _refused(libc.ptrace(SEIZE, parent, 0, 0)),
        "enter a namespace": lambda: _refused(libc.unshare(0x10000000)),
        "start a process": _fork,
        "execute a program": _exec,
    }
    return ["ran", *(name for name, attempt in attempts.items() if _succeeds(attempt))]


def _succeeds(attempt: Callable[[], object]) -> bool:
    try:
        attempt()
    except (OSError, ValueError):
        return False
    return True
