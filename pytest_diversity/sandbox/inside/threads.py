"""How many threads a program has: the kernel asks its supervisor before each new one.

No limit of the kernel counts the threads of one process: RLIMIT_NPROC counts those of a user, and
not root's. A bomb of them would take the tasks of a whole container from its neighbours. So a
second filter, which every program inherits, hands each `clone` of a thread and each end of one to
the supervisor (seccomp_unotify(2), Linux 5.5). What that sees is in registers, which nobody can
change meanwhile, and what it allows still has to pass the program's own filter.
"""

from __future__ import annotations

import _thread
import ctypes
import fcntl
import os
import platform
import struct
import threading
from collections.abc import Callable
from errno import EAGAIN
from typing import Any, Self

from .bpf import ALLOW, AND, ARCH_AT, ARGUMENTS_AT, JUMP_EQUAL, LOAD, NOTIFY, NUMBER_AT, RETURN
from .bpf import instruction as _do
from .confine import PR_SET_NO_NEW_PRIVS, WallError, call, leave, prctl
from .syscalls import ARCHITECTURES, NUMBERS

__all__ = ["SHORT", "THREADS", "Threads", "leave_if_short"]

THREADS = 64  # of one program, its first included: about as many 8 MiB stacks as its memory holds
SHORT = 77  # the status of a program that could not start a thread, and is to be run again

CLONE_THREAD = 0x00010000  # linux/sched.h
# linux/seccomp.h
SECCOMP_SET_MODE_FILTER, NEW_LISTENER, CONTINUE = 1, 1 << 3, 1
RECEIVE, SEND = 0xC0502100, 0xC0182101
_ASKED = struct.Struct("=QIIiIQ6Q")  # struct seccomp_notif, with its struct seccomp_data
_ANSWER = struct.Struct("=QqiI")  # struct seccomp_notif_resp


def _filter(machine: str) -> bytes:
    """Ask about threads that begin and end; all else is for the other filter to decide."""
    column, arch = ARCHITECTURES[machine]
    clone, end = (NUMBERS[name][column] or 0 for name in ("clone", "exit"))
    return b"".join(
        [
            _do(LOAD, ARCH_AT),
            _do(JUMP_EQUAL, arch, 0, 6),
            _do(LOAD, NUMBER_AT),
            _do(JUMP_EQUAL, end, 5),
            _do(JUMP_EQUAL, clone, 0, 3),
            _do(LOAD, ARGUMENTS_AT),
            _do(AND, CLONE_THREAD),
            _do(JUMP_EQUAL, CLONE_THREAD, 1),
            _do(RETURN, ALLOW),
            _do(RETURN, NOTIFY),
        ]
    )


class Threads:
    """The threads of the one program that runs at a time.

    Attributes:
        descriptor: Readable when the kernel asks.
        refused: Whether the program wanted more than it may have.
    """

    def __init__(self, descriptor: int) -> None:
        """Answer what is asked on a listener of seccomp."""
        self.descriptor = descriptor
        self.restart()

    @classmethod
    def watch(cls) -> Self | None:
        """Have this process's children ask it; None where the kernel cannot, as before 5.5.

        From now on this process cannot start a thread itself, since nobody would answer.
        """
        code = ctypes.create_string_buffer(_filter(platform.machine()))
        program = struct.pack("@HP", len(code) // 8, ctypes.addressof(code))
        try:
            prctl(PR_SET_NO_NEW_PRIVS, ctypes.c_ulong(1))
            mode, flags = ctypes.c_uint(SECCOMP_SET_MODE_FILTER), ctypes.c_uint(NEW_LISTENER)
            return cls(call("seccomp", mode, flags, program))
        except WallError:
            return None

    def restart(self) -> None:
        """Count for the next program."""
        self.alive = 1
        self.ending: set[int] = set()
        self.refused = False

    def answer(self) -> None:
        """Answer one question, which may have been withdrawn: a signal interrupts who asks."""
        asked = bytearray(_ASKED.size)
        try:
            fcntl.ioctl(self.descriptor, RECEIVE, asked)
            question, thread, _, number, *_ = _ASKED.unpack(asked)
            ends = number == NUMBERS["exit"][ARCHITECTURES[platform.machine()][0]]
            allowed = ends or self._room()
            verdict = (0, 0, CONTINUE) if allowed else (0, -EAGAIN, 0)
            fcntl.ioctl(self.descriptor, SEND, _ANSWER.pack(question, *verdict))
        except OSError:
            return
        if ends:
            self.ending.add(thread)
        elif allowed:
            self.alive += 1
        else:
            self.refused = True

    def _room(self) -> bool:
        """Whether one more may begin. One that has asked to end is counted until it is gone."""
        if self.alive >= THREADS:
            gone = {thread for thread in self.ending if not _exists(thread)}
            self.ending -= gone
            self.alive -= len(gone)
        return self.alive < THREADS


def _exists(thread: int) -> bool:
    try:
        os.kill(thread, 0)
    except ProcessLookupError:
        return False
    return True


def leave_if_short(*, patient: bool) -> None:
    """Let this process end as `SHORT` when it cannot start a thread, if it can be run again.

    Whether the machine had no room for one more task, or the program has used up its own, only
    its supervisor can tell.
    """
    if patient:
        for module, name in _STARTS:
            if start := getattr(module, name, None):
                setattr(module, name, _or_leave(start))


def _or_leave(start: Callable[..., Any]) -> Callable[..., Any]:
    def start_or_leave(*arguments: Any, **named: Any) -> Any:
        try:
            return start(*arguments, **named)
        except RuntimeError:
            leave(SHORT)

    return start_or_leave


_STARTS = (
    (_thread, "start_new_thread"),
    (_thread, "start_joinable_thread"),  # Python 3.13
    (threading, "_start_new_thread"),
    (threading, "_start_joinable_thread"),
)
