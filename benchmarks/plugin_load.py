"""What the plugin costs a suite that does not use it: processor time of pytest with and without it.

    python -m benchmarks.plugin_load [--pairs 30]

A project of one empty test, with no `diversity.toml`; the two runs of a pair follow each other, in
turns which comes first, so that a machine that slows down slows both.
"""

from __future__ import annotations

import os
import sys
import tempfile
from argparse import ArgumentParser
from pathlib import Path
from statistics import median

BARE = (sys.executable, "-m", "pytest", "-q")
OURS = (*BARE, "-p", "pytest_diversity.plugin.hooks")
ENVIRONMENT = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}  # no other plugin's time
TEST = "def test_nothing() -> None:\n    pass\n"


def seconds(command: tuple[str, ...], folder: Path) -> float:
    """Processor time of a command that succeeds, of the user and of the system."""
    quiet = [(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)]
    process = os.posix_spawn(command[0], [*command, str(folder)], ENVIRONMENT, file_actions=quiet)
    _, status, used = os.wait4(process, 0)
    if status:
        sys.exit(f"{' '.join(command)} failed")
    return used.ru_utime + used.ru_stime


def main() -> None:
    """Print medians, and the median of the differences within pairs."""
    parser = ArgumentParser()
    parser.add_argument("--pairs", type=int, default=30)
    given = parser.parse_args()
    found: dict[tuple[str, ...], list[float]] = {OURS: [], BARE: []}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "test_nothing.py").write_text(TEST, encoding="utf-8")
        (folder / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
        for command in (OURS, BARE):  # what is compiled once
            seconds(command, folder)
        for pair in range(given.pairs):
            for command in (OURS, BARE) if pair % 2 else (BARE, OURS):
                found[command].append(seconds(command, folder))
    ours, bare = found[OURS], found[BARE]
    more = sorted(one - other for one, other in zip(ours, bare, strict=True))
    print(f"with pytest-diversity  {median(ours):.3f} s of the processor, median of {len(ours)}")
    print(f"bare pytest            {median(bare):.3f} s, from {min(bare):.3f} to {max(bare):.3f}")
    print(f"ratio                  {median(ours) / median(bare):.3f}")
    print(f"difference             {1000 * median(more):+.1f} ms, the median within pairs")


if __name__ == "__main__":
    main()
