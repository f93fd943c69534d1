"""`python -m pytest_diversity.sandbox --check`: which sandbox holds here, and why."""

from __future__ import annotations

import argparse
import sys

from .failures import SandboxUnavailable
from .tiers import Trial, find_tier, trials


def _line(trial: Trial) -> str:
    if trial.missing:
        return f"  {trial.tier.barrier}: not available ({trial.missing})"
    if trial.broken:
        return f"  {trial.tier.barrier}: BROKEN, the probe was able to {', '.join(trial.broken)}"
    return f"  {trial.tier}: holds"


def main() -> int:
    """Attack every tier and print how it went; 1 if programs cannot be run."""
    parser = argparse.ArgumentParser(prog="python -m pytest_diversity.sandbox")
    parser.add_argument("--check", action="store_true", required=True, help="test the sandbox")
    parser.parse_args()
    print("self-test of every tier:", *map(_line, trials()), sep="\n")  # noqa: T201 - a command
    try:
        print(f"code sandbox: {find_tier()}")  # noqa: T201 - a command
    except SandboxUnavailable as error:
        print(f"diversity: {error}")  # noqa: T201 - a command
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
