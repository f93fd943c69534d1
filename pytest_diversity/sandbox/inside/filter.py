"""Which system calls a confined process may make, and the seccomp filter that sees to it.

The list is an allow-list, and whatever reaches beyond the process by an argument is checked by
argument: a filter by name alone is open (fcntl's F_SETOWN sends signals).
"""

from __future__ import annotations

import fcntl
import os
import socket
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .bpf import (
    ALLOW,
    ARCH_AT,
    ENOSYS,
    EPERM,
    ERRNO,
    JUMP_EQUAL,
    KILL,
    LOAD,
    NUMBER_AT,
    RETURN,
    WORD,
    Condition,
    Rules,
    any_of,
    block,
    instruction,
)
from .syscalls import ARCHITECTURES, NUMBERS

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Filter", "rules_for"]

PR_SET_NAME, PR_GET_NAME = 15, 16  # linux/prctl.h
PID = 0xFFFF_FFF5  # stands for the process's own id; above PID_MAX_LIMIT of linux/threads.h


def _is(argument: int, *values: int, ignoring: int = 0) -> Condition:
    return argument, WORD & ~ignoring, values


# clone: what glibc's and musl's pthread_create ask for, and nothing else: a thread, no process.
# Of linux/sched.h: VM, FS, FILES, SIGHAND, THREAD, SYSVSEM, SETTLS, PARENT_SETTID and
# CHILD_CLEARTID; the second with musl's DETACHED.
THREAD = (0x003D0F00, 0x007D0F00)
# open: access mode and O_TRUNC are checked; O_TRUNC without write access truncates behind
# Landlock's back before ABI 3, and access mode 3 escapes its test for writing.
# 0o100000 and 0o400000 are O_LARGEFILE and O_NOFOLLOW, in an order that differs by architecture.
HARMLESS = (
    os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_NONBLOCK | os.O_NOCTTY | os.O_DIRECTORY
    | os.O_CLOEXEC | 0o100000 | 0o400000
)  # fmt: skip
MODES = (os.O_RDONLY, os.O_WRONLY, os.O_RDWR, os.O_WRONLY | os.O_TRUNC, os.O_RDWR | os.O_TRUNC)
STATUS = os.O_RDWR | os.O_WRONLY | os.O_APPEND | os.O_NONBLOCK | 0o100000 | 0o400000  # not O_ASYNC
PROTECTIONS = tuple(range(6))  # read 1, write 2, execute 4 (asm-generic/mman-common.h), not 2|4
AT_EMPTY_PATH = 0x1000  # linux/fcntl.h: fstat, as newer C libraries spell it
# asm-generic/ioctls.h: TCGETS, TIOCGWINSZ, FIONBIO, FIONCLEX, FIOCLEX; not FIOASYNC
IOCTLS = (0x5401, 0x5413, 0x5421, 0x5450, 0x5451)
FCNTLS = (fcntl.F_DUPFD, fcntl.F_GETFD, fcntl.F_SETFD, fcntl.F_GETFL, fcntl.F_DUPFD_CLOEXEC)

FREE = """
    read write readv writev pread64 pwrite64 close lseek fstat dup dup2 dup3 pipe pipe2
    poll ppoll select pselect6 epoll_create1 epoll_ctl epoll_wait epoll_pwait eventfd2 recvfrom
    brk munmap mremap madvise futex set_robust_list set_tid_address rseq membarrier
    sched_yield sched_getaffinity getcpu getpid gettid getppid getuid geteuid getgid getegid
    getpgrp getgroups uname getrusage getrlimit times getcwd umask getrandom
    clock_gettime clock_getres clock_nanosleep nanosleep gettimeofday time getitimer setitimer
    alarm pause rt_sigaction rt_sigprocmask rt_sigreturn rt_sigpending rt_sigsuspend
    rt_sigtimedwait sigaltstack restart_syscall exit exit_group
""".split()  # noqa: SIM905 - read as text, checked against the table of numbers when it is used

CHECKED: Rules = {
    "mmap": [[_is(2, *PROTECTIONS)]],
    "mprotect": [[_is(2, *PROTECTIONS)]],
    "clone": [[_is(0, *THREAD)]],
    "kill": [[_is(0, PID)]],
    "tgkill": [[_is(0, PID)]],
    "prctl": [[_is(0, PR_SET_NAME, PR_GET_NAME)]],
    "prlimit64": [[_is(0, 0, PID), _is(2, 0)]],  # read only, and only one's own
    "ioctl": [[_is(1, *IOCTLS)]],
    "fcntl": [[_is(1, *FCNTLS)], [_is(1, fcntl.F_SETFL), _is(2, 0, ignoring=STATUS)]],
    # asyncio wakes itself through a pair; only what is connected to itself can be sent to
    "socketpair": [
        [
            _is(0, socket.AF_UNIX),
            _is(1, socket.SOCK_STREAM, ignoring=socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK),
            _is(2, 0),
        ]
    ],
    "sendto": [[_is(4, 0)]],
}
LOOKING = """
    stat lstat newfstatat statx access faccessat faccessat2 readlink readlinkat getdents64
""".split()  # noqa: SIM905 - as above
OPENING: Rules = {
    "open": [[_is(1, *MODES, ignoring=HARMLESS)]],
    "openat": [[_is(2, *MODES, ignoring=HARMLESS)]],
    **{name: [[]] for name in LOOKING},
}
CLOSED: Rules = {"newfstatat": [[_is(3, AT_EMPTY_PATH)]]}
# What a process needs on top, by what it is. The checker is handed pipes by its fork server;
# a spawned interpreter is executed once, behind the file barrier and the same filter, and its
# loader sets up thread-local storage (x86-64's arch_prctl).
PROFILES: Mapping[str, Rules] = {
    "program": {},
    "checker": {"recvmsg": [[]]},
    "spawned": {"execve": [[]], "arch_prctl": [[]]},
}
MISSING = ("clone3", "io_uring_setup")  # "no such call": the C library then takes the checked one


def rules_for(profile: str, *, opens: bool) -> Rules:
    """What processes of a profile may call; none `opens` a file where no other wall keeps files."""
    return CHECKED | (OPENING if opens else CLOSED) | PROFILES[profile]


@dataclass(frozen=True)
class Filter:
    """A seccomp program for one architecture, made once and stamped with each process's id.

    Attributes:
        code: The classic BPF program.
        stamps: Where in it the process's own id belongs.
    """

    code: bytes
    stamps: tuple[int, ...]

    @classmethod
    def build(cls, rules: Rules, machine: str) -> Filter:
        """The filter that allows `rules`, the free calls, and nothing else."""
        column, arch = ARCHITECTURES[machine]
        known = {name: numbers[column] for name, numbers in NUMBERS.items()}
        free = [number for name in FREE if (number := known[name]) is not None]
        half = len(free) // 2  # a jump reaches 255 instructions
        program = [
            instruction(LOAD, ARCH_AT),
            instruction(JUMP_EQUAL, arch, 1),
            instruction(RETURN, KILL),
            instruction(LOAD, NUMBER_AT),
        ]
        for some in (free[:half], free[half:]):
            program += [*any_of(some, 1), instruction(RETURN, ALLOW)]
        for name, alternatives in rules.items():
            if (number := known[name]) is not None:
                program += block(number, alternatives)
        for name in MISSING:
            program += [*any_of([known[name] or 0], 1), instruction(RETURN, ERRNO | ENOSYS)]
        program.append(instruction(RETURN, ERRNO | EPERM))
        stamp = struct.pack("=I", PID)
        return cls(
            b"".join(program),
            tuple(8 * i + 4 for i, one in enumerate(program) if one.endswith(stamp)),
        )

    def stamped(self, pid: int) -> bytes:
        """The program for the process `pid`."""
        code = bytearray(self.code)
        for at in self.stamps:
            struct.pack_into("=I", code, at, pid)
        return bytes(code)
