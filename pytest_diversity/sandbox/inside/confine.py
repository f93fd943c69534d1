"""The walls. They and their `filter` are the security of the sandbox: all else only carries data.

They promise that a process which has called `Wall.close` cannot, whatever machine code it runs:
start a process or a program, signal or trace another process, open a socket, reach another
process through one it inherits (it inherits none), read or write a file but those in
`Wall.readable` and /dev/null, change a file system, raise a limit, regain a privilege or enter
a namespace. It may see whether a path exists, and use the processor, memory and descriptors
that its limits leave it.
"""

from __future__ import annotations

import ctypes
import os
import platform
import resource
import signal
import struct
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NoReturn

from .filter import Filter, rules_for
from .syscalls import ARCHITECTURES, NUMBERS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

__all__ = [
    "DESCRIPTORS",
    "PR_SET_NO_NEW_PRIVS",
    "Barrier",
    "Wall",
    "WallError",
    "adopt_orphans",
    "call",
    "close_files",
    "die_with",
    "hide",
    "leave",
    "lower",
    "orphans",
    "prctl",
]

# linux/prctl.h
PR_SET_PDEATHSIG, PR_SET_DUMPABLE = 1, 4
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


class WallError(Exception):
    """A wall could not be put up; the process must not run anything."""


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
        rules = rules_for(profile, opens=barrier != "no-open")
        ruleset = Ruleset.build(readable, abi) if barrier == "landlock" else None
        return cls(barrier, limits, Filter.build(rules, platform.machine()), ruleset)

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
