"""The walls. This file is the security of the sandbox: everything else only carries data.

It promises that a process which has called `Wall.close` cannot, whatever machine code it runs:
start a process or a program, signal or trace another process, open a socket, reach another
process through one it inherits (it inherits none), read or write a file but those in
`Wall.readable` and /dev/null, change a file system, raise a limit, regain a privilege or enter
a namespace. It may see whether a path exists, and use the processor, memory and descriptors
that its limits leave it.

The list of system calls is an allow-list, and whatever reaches beyond the process by an
argument is checked by argument: a filter by name alone is open (fcntl's F_SETOWN sends signals).
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import platform
import resource
import signal
import socket
import struct
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NoReturn

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
    from collections.abc import Iterable, Mapping, Sequence

__all__ = ["DEVICES", "PID", "PROFILES", "Barrier", "Filter", "Ruleset", "Wall", "WallError"]

# linux/prctl.h
PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_SET_NAME, PR_GET_NAME = 1, 4, 15, 16
PR_SET_SECCOMP, PR_SET_NO_NEW_PRIVS = 22, 38
PR_SET_CHILD_SUBREAPER = 36
SECCOMP_MODE_FILTER = 2  # linux/seccomp.h
CAPABILITY_VERSION_3 = 0x20080522  # linux/capability.h

# linux/landlock.h: the rights that each ABI added, and those that a readable path is given
EXECUTE, WRITE_FILE, READ_FILE, READ_DIR = 1, 1 << 1, 1 << 2, 1 << 3
FILE_RIGHTS = {1: (1 << 13) - 1, 2: 1 << 13, 3: 1 << 14, 5: 1 << 15}
TCP_RIGHTS = {4: 0b11}  # bind, connect
SCOPES = {6: 0b11}  # abstract UNIX sockets, signals
DESCRIPTORS = 256  # that a process may have: `server.settle` sees to it, so none is above
DEVICES = ("/dev/null", "/dev/zero", "/dev/random", "/dev/urandom")

PID = 0xFFFF_FFF5  # stands for the process's own id; above PID_MAX_LIMIT of linux/threads.h


class WallError(Exception):
    """A wall could not be put up; the process must not run anything."""


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


_libc = ctypes.CDLL(None, use_errno=True)


def _checked(result: int, what: str) -> int:
    if result < 0:
        raise WallError(f"{what}: {os.strerror(ctypes.get_errno())}")
    return result


def prctl(option: int, *arguments: object) -> None:
    """Change something about this process (prctl(2)), or raise a WallError."""
    padded = [*arguments, *([ctypes.c_ulong(0)] * (4 - len(arguments)))]
    _checked(_libc.prctl(ctypes.c_int(option), *padded), f"prctl({option})")


def call(name: str, *arguments: object) -> int:
    """A system call that libc may not have, or a WallError."""
    column, _ = ARCHITECTURES[platform.machine()]
    number = ctypes.c_long(NUMBERS[name][column] or 0)
    return _checked(_libc.syscall(number, *arguments), name)


@dataclass(frozen=True)
class Ruleset:
    """A Landlock ruleset: the paths that may be read, and the kernel's or a lower ABI."""

    descriptor: int
    abi: int

    @classmethod
    def build(cls, readable: Iterable[str], abi: int | None = None) -> Ruleset:
        """Allow reading below `readable`, and writing to /dev/null alone."""
        version = call("landlock_create_ruleset", None, ctypes.c_size_t(0), ctypes.c_uint(1))
        abi = version if abi is None else min(abi, version)
        handled, tcp, scopes = (
            sum(bits for since, bits in table.items() if since <= abi)
            for table in (FILE_RIGHTS, TCP_RIGHTS, SCOPES)
        )
        # struct landlock_ruleset_attr grew with the ABI: files, network (4), scopes (6)
        size = 24 if scopes else 16 if tcp else 8
        attributes = struct.pack("=QQQ", handled, tcp, scopes)[:size]
        rules = call(
            "landlock_create_ruleset",
            attributes,
            ctypes.c_size_t(len(attributes)),
            ctypes.c_uint(0),
        )
        for path in readable:
            _allow(rules, path, EXECUTE | READ_FILE | READ_DIR)
        for path in DEVICES:
            _allow(rules, path, READ_FILE)
        _allow(rules, os.devnull, READ_FILE | WRITE_FILE)
        return cls(rules, abi)

    def enforce(self) -> None:
        """Confine this process for good."""
        call("landlock_restrict_self", ctypes.c_int(self.descriptor), ctypes.c_uint(0))


def _allow(rules: int, path: str, rights: int) -> None:
    try:
        descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:  # not on this machine, so there is nothing to read
        return
    try:
        if not os.path.isdir(path):  # noqa: PTH112 - pathlib would cost the fork server its start
            rights &= ~READ_DIR
        rule = struct.pack("=Qi", rights, descriptor)  # struct landlock_path_beneath_attr is packed
        call("landlock_add_rule", ctypes.c_int(rules), ctypes.c_int(1), rule, ctypes.c_uint(0))
    finally:
        os.close(descriptor)


Barrier = str  # "landlock", "bubblewrap", "no-open", or "none" for the unsafe mode


@dataclass(frozen=True)
class Wall:
    """All that a fork server's children are held by, prepared once in the fork server.

    Attributes:
        barrier: What keeps files: landlock, bubblewrap (around the fork server), no-open; or none.
        limits: Resource limits, as `resource.RLIMIT_*` -> value.
        filter: The seccomp program; None without a sandbox.
        ruleset: The Landlock ruleset, if that is the barrier.
    """

    barrier: Barrier
    limits: Mapping[int, int] = field(default_factory=dict)
    filter: Filter | None = None
    ruleset: Ruleset | None = None

    @classmethod
    def build(  # noqa: D102 - see the class
        cls,
        barrier: Barrier,
        profile: str,
        readable: Sequence[str],
        limits: Mapping[int, int],
        abi: int | None = None,
    ) -> Wall:
        if barrier == "none":
            return cls(barrier, limits)
        if sys.platform != "linux" or platform.machine() not in ARCHITECTURES:
            raise WallError(f"{sys.platform} on {platform.machine()} has no supported sandbox")
        if barrier not in ("landlock", "bubblewrap", "no-open"):
            raise WallError(f"no such barrier: {barrier}")
        rules = CHECKED | (CLOSED if barrier == "no-open" else OPENING) | PROFILES[profile]
        ruleset = Ruleset.build(readable, abi) if barrier == "landlock" else None
        return cls(barrier, limits, Filter.build(dict(rules), platform.machine()), ruleset)

    def close(self, keep: int) -> None:
        """Confine this process for good, keeping only the descriptors below `keep`.

        Raises:
            WallError: A wall is missing; the process must end without running anything.
        """
        try:
            self._close(keep)
        except (OSError, ValueError) as error:
            raise WallError(str(error)) from error

    def _close(self, keep: int) -> None:
        for limit, value in self.limits.items():
            lower(limit, value)
        if self.filter is None:
            os.closerange(keep, DESCRIPTORS)
            return
        prctl(PR_SET_DUMPABLE, ctypes.c_ulong(0))
        prctl(PR_SET_NO_NEW_PRIVS, ctypes.c_ulong(1))
        _drop_capabilities()
        if self.ruleset:
            self.ruleset.enforce()
        os.closerange(keep, DESCRIPTORS)
        code = ctypes.create_string_buffer(self.filter.stamped(os.getpid()))
        # struct sock_fprog: the number of instructions, and where they are
        program = struct.pack("@HP", len(self.filter.code) // 8, ctypes.addressof(code))
        prctl(PR_SET_SECCOMP, ctypes.c_ulong(SECCOMP_MODE_FILTER), program)


def close_files(barrier: Barrier, readable: Sequence[str], abi: int | None) -> None:
    """Let this process and its children open what is readable alone; Landlock can, others cannot.

    Bubblewrap has closed them around the fork server already.
    """
    if barrier == "landlock":
        prctl(PR_SET_NO_NEW_PRIVS, ctypes.c_ulong(1))
        Ruleset.build(readable, abi).enforce()


def lower(limit: int, value: int) -> None:
    """Set a resource limit for good, or leave it where it is already lower."""
    hard = resource.getrlimit(limit)[1]
    value = value if hard == resource.RLIM_INFINITY else min(value, hard)
    resource.setrlimit(limit, (value, value))


def _drop_capabilities() -> None:
    # the ambient ones go with the permitted ones (capabilities(7))
    header, empty = struct.pack("=Ii", CAPABILITY_VERSION_3, 0), bytes(24)
    call("capset", header, empty)


def die_with(parent: int | None) -> None:
    """End this process when its parent does, also if that `parent` ended before this call."""
    prctl(PR_SET_PDEATHSIG, ctypes.c_ulong(signal.SIGKILL))
    if parent is not None and os.getppid() != parent:
        leave(1)


def hide() -> None:
    """Keep this process's memory and /proc entries from every other one of the same user."""
    prctl(PR_SET_DUMPABLE, ctypes.c_ulong(0))


def adopt_orphans() -> None:
    """Become the parent of what descendants leave behind (without walls alone: see `orphans`)."""
    if sys.platform == "linux":
        prctl(PR_SET_CHILD_SUBREAPER, ctypes.c_ulong(1))


def orphans() -> list[int]:
    """The processes that were left to this one."""
    try:
        with open("/proc/thread-self/children", encoding="ascii") as file:  # noqa: PTH123 - as above
            return [int(pid) for pid in file.read().split()]
    except OSError:
        return []


def leave(code: int) -> NoReturn:
    """End this process without a word to whatever the program left in it."""
    os._exit(code)
