"""One target at random, from the examples that a run before has kept: `... NAME SECONDS`."""

from __future__ import annotations

import sys
import time

from tests.fuzz.targets import TARGETS
from tests.fuzz.tested import tested

if __name__ == "__main__":
    name, seconds = sys.argv[1:]
    until, tried = time.monotonic() + float(seconds), 0
    while time.monotonic() < until:
        tested(TARGETS[name], examples=2000)()
        tried += 2000
    print(f"examples tried: {tried}")  # noqa: T201 - a command
