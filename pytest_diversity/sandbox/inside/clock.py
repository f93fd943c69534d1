"""A clock that reads the same in every run.

It starts at a fixed moment, moves a microsecond with every reading, and follows the real one in
steps, so that whoever waits is not kept waiting for ever. Programs quicker than a step see the
same times in every run; what a slower one measures differs, and the repeated run tells.
"""

from __future__ import annotations

import ctypes
import datetime as dt
import gc
import time
from collections.abc import Callable
from time import CLOCK_MONOTONIC, clock_gettime_ns
from typing import Any

__all__ = ["Clock", "install"]

EPOCH = 1_704_067_200_000_000_000  # 2024-01-01T00:00:00Z
TICK = 1_000  # nanoseconds
STEP = 250_000_000

_Call = Callable[..., Any]


class Clock:
    """Nanoseconds since the start of one run."""

    def __init__(self) -> None:
        """Start now."""
        self.restart()

    def restart(self) -> None:
        """Read zero again: a new run begins."""
        self.began = clock_gettime_ns(CLOCK_MONOTONIC)
        self.now = 0

    def read(self) -> int:
        """A time later than every one read before."""
        passed = clock_gettime_ns(CLOCK_MONOTONIC) - self.began
        self.now = max(self.now + TICK, passed - passed % STEP)
        return self.now


def install(clock: Clock) -> None:
    """Make the modules `time` and `datetime` of this process read `clock`."""

    def wall() -> int:
        return EPOCH + clock.read()

    for name in ("monotonic", "perf_counter", "process_time", "thread_time"):
        setattr(time, name, lambda: clock.read() / 1e9)
        setattr(time, f"{name}_ns", clock.read)
    time.time = lambda: wall() / 1000000000.0
    time.time_ns = wall
    time.clock_gettime = lambda which: (wall() if which == 0 else clock.read()) / 1000000000.0
    time.clock_gettime_ns = lambda which: wall() if which == 0 else clock.read()
    for name in ("gmtime", "localtime", "ctime"):
        setattr(time, name, _defaulting(getattr(time, name), wall))
    strftime, asctime = time.strftime, time.asctime
    time.strftime = lambda form, moment=None: strftime(form, moment or time.localtime())
    time.asctime = lambda moment=None: asctime(moment or time.localtime())
    _patch(dt.datetime, "now", lambda cls, tz=None: cls.fromtimestamp(time.time(), tz))
    _patch(dt.datetime, "utcnow", lambda cls: cls(*time.gmtime()[:6]))
    _patch(dt.datetime, "today", lambda cls: cls.fromtimestamp(time.time()))
    _patch(dt.date, "today", lambda cls: cls(*time.localtime()[:3]))


def _defaulting(function: _Call, wall: Callable[[], int]) -> _Call:
    return lambda seconds=None: function(wall() / 1e9 if seconds is None else seconds)


def _patch(kind: type, name: str, function: _Call) -> None:
    """Replace a class method of a type written in C, which refuses assignment."""
    namespace = gc.get_referents(vars(kind))[0]
    namespace[name] = classmethod(function)
    ctypes.pythonapi.PyType_Modified(ctypes.py_object(kind))
