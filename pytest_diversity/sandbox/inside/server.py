"""What the fork server and the checker share: their channels, and the limits of their children."""

from __future__ import annotations

import contextlib
import fcntl
import os
import resource
import signal
from collections.abc import Iterable, Iterator
from importlib import import_module
from math import ceil
from typing import Any

from .confine import DESCRIPTORS, lower

__all__ = ["CONTROL_IN", "CONTROL_OUT", "HANDOVER", "clock", "preload", "rlimits", "settle"]

CONTROL_IN, CONTROL_OUT, HANDOVER = 10, 11, 12


def settle(handover: int | None) -> None:
    """Move the channels out of the way: 0-9 lead nowhere, and become a child's own."""
    channels = {CONTROL_IN: 0, CONTROL_OUT: 1, HANDOVER: handover}
    copies = {
        n: fcntl.fcntl(d, fcntl.F_DUPFD_CLOEXEC, 20) for n, d in channels.items() if d is not None
    }
    nowhere = os.open(os.devnull, os.O_RDWR)
    for number in range(HANDOVER + 1):
        os.dup2(nowhere, number, inheritable=number < CONTROL_IN)
    for number, copy in copies.items():
        os.dup2(copy, number, inheritable=False)
    for descriptor in _descriptors():
        if descriptor > HANDOVER:
            with contextlib.suppress(OSError):
                os.close(descriptor)
    lower(resource.RLIMIT_NOFILE, DESCRIPTORS)  # from now on none can be above


def _descriptors() -> Iterable[int]:
    """What may be open here: also above the limit, which may have been lowered since."""
    try:
        return [int(name) for name in os.listdir("/dev/fd")]  # noqa: PTH208 - as in confine.py
    except OSError:  # as in bubblewrap, whose one process passes on no more than it is given
        return range(1 << 16)


@contextlib.contextmanager
def clock(limits: dict[str, Any]) -> Iterator[None]:
    """End this process, whatever it does, if that takes longer than a program and its check may.

    The default action of these signals is the kernel's, so that no loop inside C outlives it.
    """
    timers = {signal.ITIMER_PROF: limits["cpu"], signal.ITIMER_REAL: limits["wall"]}
    for timer, seconds in timers.items():
        signal.setitimer(timer, 2 * seconds)
    try:
        yield
    finally:
        for timer in timers:
            signal.setitimer(timer, 0)


def preload(modules: Iterable[str]) -> None:
    """Import what programs and checks may want, also where they could open no file themselves."""
    for module in modules:
        with contextlib.suppress(Exception):  # not installed here, so nobody can want it
            import_module(module)


def rlimits(limits: dict[str, Any], memory: int) -> dict[int, int]:
    """A child's resource limits; `memory` is the one that bounds its memory."""
    wanted = {
        "CPU": ceil(limits["cpu"]) + 1,  # behind the supervisor's own count
        "FSIZE": 0,
        "NOFILE": 64,
        "CORE": 0,
        "STACK": 8 << 20,
        "MEMLOCK": 0,
        "MSGQUEUE": 0,
    }
    numbers = {getattr(resource, f"RLIMIT_{name}", None): value for name, value in wanted.items()}
    return {memory: limits["memory"]} | {n: v for n, v in numbers.items() if n is not None}
