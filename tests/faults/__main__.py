"""Faults: every scenario at random moments, and whether what is promised was kept.

    python -m tests.faults [--moments 100] [--seed N] [NAME ...]

A NAME is a part of a scenario's. What is printed is a table in Markdown.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from typing import TextIO

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before anything imports numpy

from tests.faults.scenarios import Workshop
from tests.faults.table import SCENARIOS


def main() -> int:
    """Run what was asked for; 1 where a promise was broken."""
    parser = argparse.ArgumentParser(description=__doc__, prog="python -m tests.faults")
    parser.add_argument("names", nargs="*", help="parts of the names of scenarios")
    parser.add_argument("--moments", type=int, default=100, help="of each scenario")
    parser.add_argument("--seed", type=int, default=time.time_ns() % 1_000_000)
    parser.add_argument("--say", action="store_true", help="print what the runs have said")
    given = parser.parse_args()
    chosen = [name for name in SCENARIOS if not given.names or any(n in name for n in given.names)]
    _print(f"seed {given.seed}\n\n| scenario | moments | seconds | faults | unsaid |")
    _print("|---|--:|--:|--:|--:|")
    with Workshop.opened() as workshop:
        return int(sum(_row(workshop, name, given) for name in chosen) > 0)


def _row(workshop: Workshop, name: str, given: argparse.Namespace) -> int:
    if SCENARIOS[name].lacks:
        _print(f"| {name} | 0 | 0 | - | not tried: {SCENARIOS[name].lacks} |")
        return 0
    began = time.monotonic()
    tried = workshop.try_all(name, SCENARIOS[name], given.moments, given.seed)
    seconds = time.monotonic() - began
    _print(f"| {name} | {given.moments} | {seconds:.0f} | {len(tried.broken)} | {tried.unsaid} |")
    for number, message in tried.broken.items():
        _print(f"moment {number}: {message}", sys.stderr)
    for sentence in sorted(tried.sentences) if given.say else ():
        _print(f"    {sentence}", sys.stderr)
    return len(tried.broken)


def _print(line: str, stream: TextIO = sys.stdout) -> None:
    print(line, file=stream, flush=True)


if __name__ == "__main__":
    sys.exit(main())
