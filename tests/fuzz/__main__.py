"""Fuzz the targets, each for some minutes, guided by coverage where atheris is installed.

    python -m tests.fuzz [--minutes 5] [NAME ...]

The corpus stays in `.fuzz/`, and the next run goes on with it. What fails is printed as the value
that `known` of its target takes.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import time
from importlib.util import find_spec

_TRIED = re.compile(r"(?:number_of_executed_units|examples tried): +(\d+)")


def main() -> int:
    """Fuzz what was asked for, a process each; 1 where something was found."""
    parser = argparse.ArgumentParser(description=__doc__, prog="python -m tests.fuzz")
    parser.add_argument("names", nargs="*", help="targets")
    parser.add_argument("--minutes", type=float, default=5.0, help="of each target")
    given = parser.parse_args()
    from tests.fuzz.targets import TARGETS  # noqa: PLC0415 - atheris comes before what it guides

    found = 0
    way = "atheris" if find_spec("atheris") else "hypothesis"
    for name in given.names or TARGETS:
        began = time.monotonic()
        command = [sys.executable, "-m", f"tests.fuzz.by_{way}", name, str(given.minutes * 60)]
        end = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
        seconds = time.monotonic() - began
        tried = _TRIED.search(end.stdout + end.stderr)
        inputs = f"{int(tried[1]):,} inputs" if tried else "it ended early"
        verdict = "something was found" if end.returncode else "nothing was found"
        print(f"{name}: {way}, {seconds:.0f} s, {inputs}: {verdict}", flush=True)  # noqa: T201
        if end.returncode:
            found += 1
            print((end.stdout + end.stderr)[-6000:], flush=True)  # noqa: T201
    return int(found > 0)


if __name__ == "__main__":
    sys.exit(main())
