"""What programs are forked from: a process that has never seen one.

What a fork server reads and writes for one program stays in its memory, freed or not, and a child
would have it. So the fork server only supervises, and asks this process, its own child, for each
fork. All that goes between the two are numbers and open files: the job is in one of those, and is
read in the child.
"""

from __future__ import annotations

import os
import socket
import struct
from collections.abc import Callable, Mapping
from time import CLOCK_MONOTONIC, clock_gettime, sleep
from typing import NoReturn

from .confine import die_with, leave

__all__ = ["BrokenError", "Template", "patiently"]

ROOM_SECONDS = 60.0  # that a machine without room for one more process is given
_REQUEST, _ANSWER = struct.Struct("=cq"), struct.Struct("=qd")
FORK, END, ENDED = b"f", b"e", b"?"

Become = Callable[[Mapping[int, int]], NoReturn]  # descriptor wanted -> descriptor there is


class BrokenError(Exception):
    """The harness failed, and the program is not to blame."""


def patiently(fork: Callable[[], int]) -> int:
    """Fork; where the machine has no room for one more process now, wait until it has.

    Raises:
        BrokenError: It never had.
    """
    until = _now() + ROOM_SECONDS
    while True:
        try:
            return fork()
        except OSError as error:
            if _now() > until:
                raise BrokenError(f"no process can be started: {error.strerror}") from None
            sleep(0.05)


class Template:
    """The template, as its supervisor speaks to it."""

    def __init__(self, channel: socket.socket, pid: int) -> None:
        """Speak through `channel` to the process `pid`."""
        self.channel = channel
        self.pid = pid

    @classmethod
    def start(
        cls, become: Become, sweep: Callable[[int], None], prepare: Callable[[], None]
    ) -> Template:
        """Fork this process as it is now.

        Args:
            become: What a child of the template does; never returns.
            sweep: Called in the template with each child that has ended.
            prepare: Called in the template, once.
        """
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        parent = os.getpid()
        if pid := patiently(os.fork):
            theirs.close()
            return cls(ours, pid)
        try:
            die_with(parent)
            ours.close()
            prepare()
            _serve(theirs, become, sweep)
        finally:
            leave(1)

    def fork(self, descriptors: Mapping[int, int]) -> int:
        """The id of a new child, which finds open files under the numbers wanted.

        Raises:
            OSError: There is no room for one more process.
        """
        request = _REQUEST.pack(FORK, 0) + bytes(descriptors)
        pid, _ = self._ask(request, list(descriptors.values()))
        if pid < 0:
            raise OSError(-pid, os.strerror(-pid))
        return pid

    def end(self, pid: int) -> tuple[int, float]:
        """Wait for a child: its status, and the seconds of processor time it took."""
        return self._ask(_REQUEST.pack(END, pid))

    def ended(self, pid: int) -> bool:
        """Whether a child has ended."""
        return bool(self._ask(_REQUEST.pack(ENDED, pid))[0])

    def close(self) -> None:
        """Let it end, and wait until it has: its processor time is then counted with ours."""
        self.channel.close()
        os.waitpid(self.pid, 0)

    def _ask(self, request: bytes, descriptors: list[int] | None = None) -> tuple[int, float]:
        try:
            socket.send_fds(self.channel, [request], descriptors or [])
            answer = self.channel.recv(_ANSWER.size)
        except OSError:
            answer = b""
        if not answer:
            raise BrokenError("the process that programs are forked from is gone")
        number, seconds = _ANSWER.unpack(answer)
        return number, seconds


def _serve(channel: socket.socket, become: Become, sweep: Callable[[int], None]) -> NoReturn:
    while True:
        request, descriptors, *_ = socket.recv_fds(channel, 64, 16)
        if not request:
            leave(0)
        what, pid = _REQUEST.unpack_from(request)
        if what == FORK:
            answer = _fork(become, dict(zip(request[_REQUEST.size :], descriptors, strict=True)))
        elif what == END:
            answer = _end(pid, sweep)
        else:
            flags = os.WEXITED | os.WNOHANG | os.WNOWAIT
            answer = int(os.waitid(os.P_PID, pid, flags) is not None), 0.0
        channel.send(_ANSWER.pack(*answer))


def _fork(become: Become, descriptors: Mapping[int, int]) -> tuple[int, float]:
    parent = os.getpid()
    try:
        pid = os.fork()
    except OSError as error:
        pid = -(error.errno or 1)
    if not pid:
        try:
            die_with(parent)
            become(descriptors)
        finally:
            leave(1)
    for descriptor in descriptors.values():
        os.close(descriptor)
    return pid, 0.0


def _end(pid: int, sweep: Callable[[int], None]) -> tuple[int, float]:
    _, status, usage = os.wait4(pid, 0)
    sweep(pid)
    return status, usage.ru_utime + usage.ru_stime


def _now() -> float:
    return clock_gettime(CLOCK_MONOTONIC)
