"""One process of a program, from its fork to its end, as its supervisor sees it."""

from __future__ import annotations

import os
import select
import signal
from dataclasses import dataclass, field
from math import ceil
from time import CLOCK_MONOTONIC, clock_gettime
from typing import Any, Self

from .confine import leave
from .server import CONTROL_IN
from .template import BrokenError, Template, patiently
from .threads import Threads

__all__ = ["STATUS", "End", "Run", "Stream"]

STATUS = 5  # of a program's descriptors: what its walls say, until they stand


@dataclass
class Stream:
    """One pipe out of a program, read no further than its limit."""

    descriptor: int
    limit: int
    data: bytearray = field(default_factory=bytearray)

    def take(self) -> bool:
        """Read what is there; false when there is nothing more for now, or ever."""
        try:
            chunk = os.read(self.descriptor, 1 << 16)
        except BlockingIOError:
            return False
        self.data += chunk
        return bool(chunk) and not self.full

    @property
    def full(self) -> bool:
        """Whether there is more than anyone wants."""
        return len(self.data) > self.limit


@dataclass
class End:
    """How a process of a program ended."""

    killed: str | None  # the outcome for which its supervisor killed it
    status: int
    cpu: float


class Run:
    """A process of a program, watched over until its end."""

    def __init__(self, template: Template, threads: Threads | None, limits: dict[str, Any]) -> None:
        """Open what is read from it; `start` forks it."""
        self.template = template
        self.threads = threads
        self.limits = limits
        self.moves: dict[int, int] = {}  # a descriptor's number in the child -> what it is here
        self.streams: list[Stream] = []
        self.stdout = self.read(1, limits["output"])
        self.status = self.read(STATUS, 4096)
        self.pid = 0

    def read(self, number: int, limit: int) -> Stream:
        """What the program will write to the descriptor `number`."""
        reading, self.moves[number] = os.pipe()
        os.set_blocking(reading, False)
        self.streams.append(Stream(reading, limit))
        return self.streams[-1]

    def give(self, number: int, data: bytes) -> None:
        """Let the program read `data` from the descriptor `number`."""
        memory = self.moves[number] = os.memfd_create("input")
        with open(memory, "wb", closefd=False) as file:
            file.write(data)
        os.lseek(memory, 0, os.SEEK_SET)

    def start(self) -> None:
        """Fork it."""
        if self.threads:
            self.threads.restart()
        try:
            self.pid = patiently(lambda: self.template.fork(self.moves))
        finally:
            for descriptor in self.moves.values():
                os.close(descriptor)

    def finish(self) -> End:
        """Watch over the process until its end, which comes here if not by itself."""
        killed = self._watch()
        if killed:
            os.kill(self.pid, signal.SIGKILL)
        status, cpu = self.template.end(self.pid)
        for stream in self.streams:
            while stream.take():
                pass
            os.close(stream.descriptor)
        if self.status.data:
            raise BrokenError(bytes(self.status.data).decode(errors="replace"))
        full = any(stream.full for stream in self.streams)
        return End(killed or ("output-limit" if full else None), status, cpu)

    def _watch(self) -> str | None:
        """Wait for the end; what the process has to be killed for, if anything."""
        until = _now() + self.limits["wall"]
        with _Poll(self) as poll:
            while not poll.ended:
                seconds = min(until - _now(), self.limits["cpu"] - _cpu(self.pid))
                if seconds <= 0:
                    return "timeout"
                if not poll.wait(seconds):
                    return "output-limit"
        return None


class _Poll:
    """Waits for a process's output, its questions about threads, or its end."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.ended = False
        self.streams = {stream.descriptor: stream for stream in run.streams}
        self.poll = select.poll()
        for descriptor in self.streams:
            self.poll.register(descriptor, select.POLLIN)
        if run.threads:
            self.poll.register(run.threads.descriptor, select.POLLIN)
        self.poll.register(CONTROL_IN, 0)  # its hang-up: nobody wants the outcome any more
        self.handle = self._handle()

    def _handle(self) -> int | None:
        try:
            handle = os.pidfd_open(self.run.pid)
        except OSError:  # gVisor has none
            return None
        self.poll.register(handle, select.POLLIN)
        return handle

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.handle is not None:
            os.close(self.handle)

    def wait(self, seconds: float) -> bool:
        """Wait no longer than that; false if the process has written too much."""
        if self.handle is None:
            seconds = min(seconds, 0.005)
        for descriptor, event in self.poll.poll(ceil(seconds * 1000)):
            if descriptor == CONTROL_IN:
                os.kill(self.run.pid, signal.SIGKILL)
                leave(0)
            if descriptor == self.handle:
                self.ended = True
            elif self.run.threads and descriptor == self.run.threads.descriptor:
                self.run.threads.answer()
            elif not self._take(self.streams[descriptor], event):
                return False
        if self.handle is None:
            self.ended = self.run.template.ended(self.run.pid)
        return True

    def _take(self, stream: Stream, event: int) -> bool:
        if not stream.take() and (event & select.POLLHUP or stream.full):
            self.poll.unregister(stream.descriptor)
        return not stream.full


def _now() -> float:
    return clock_gettime(CLOCK_MONOTONIC)


def _cpu(pid: int) -> float:
    """Processor seconds of a process: the clock's number is that of linux/posix-timers.h."""
    try:
        return clock_gettime((~pid << 3) | 2)
    except OSError:  # it is just ending, or this is no Linux
        return 0.0
