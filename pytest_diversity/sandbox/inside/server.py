"""What the fork server and the checker share: their channels, and the limits of their children."""

from __future__ import annotations

import contextlib
import fcntl
import os
import resource
from collections.abc import Iterable
from importlib import import_module
from math import ceil
from typing import Any

from .confine import DESCRIPTORS, lower

__all__ = ["CONTROL_IN", "CONTROL_OUT", "HANDOVER", "preload", "rlimits", "settle"]

CONTROL_IN, CONTROL_OUT, HANDOVER = 10, 11, 12


def settle(handover: int | None) -> None:
    """Move the channels out of the way: 0-9 lead nowhere, and become a child's own."""
    channels = {CONTROL_IN: 0, CONTROL_OUT: 1, HANDOVER: handover}
    copies = {
        n: fcntl.fcntl(d, fcntl.F_DUPFD_CLOEXEC, 20) for n, d in channels.items() if d is not None
    }
    nowhere = os.open(os.devnull, os.O_RDWR)
    for number in range(CONTROL_IN):
        os.dup2(nowhere, number)
    for number, copy in copies.items():
        os.dup2(copy, number, inheritable=False)
    os.closerange(HANDOVER + 1, DESCRIPTORS)
    lower(resource.RLIMIT_NOFILE, DESCRIPTORS)


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
