"""`make demo`: the gate at work on a healthy checkpoint and on a collapsed one.

Each is what a CI job would run: pytest on this folder, with one checkpoint chosen. The first is
expected to pass. The second is expected to fail, by budgets that were broken and nothing else. The
demo succeeds when both happen.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path
from xml.etree import ElementTree as ET

FOLDER = Path(__file__).parent
BROKEN = (" drop ", " narrowing ", " < ")  # what the headline of a broken budget says


def run(checkpoint: str) -> tuple[int, list[str]]:
    """Run pytest on one checkpoint; its exit code and the headlines of its failures."""
    print(f"\n$ pytest example_project --diversity-checkpoint {checkpoint}", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        junit = Path(folder, "junit.xml")
        command = [sys.executable, "-m", "pytest", str(FOLDER), f"--junit-xml={junit}"]
        code = subprocess.run(
            [*command, "--diversity-checkpoint", checkpoint], check=False
        ).returncode
        failures = ET.parse(junit).iter("failure") if junit.exists() else ()
        return code, [str(failure.get("message")) for failure in failures]


def main() -> int:
    """Run both checkpoints; 0 if each ended as expected."""
    healthy, _ = run("healthy")
    collapsed, headlines = run("collapsed")
    broken = [line for line in headlines if any(word in line for word in BROKEN)]
    expected = healthy == 0 and collapsed == 1 and bool(broken) and broken == headlines
    print("\ndemo: the healthy checkpoint", "passed" if healthy == 0 else "did not pass")
    print(f"demo: the collapsed one broke {len(broken)} budgets:", *broken, sep="\n  ")
    print("demo: as expected" if expected else "demo: NOT as expected")
    return 0 if expected else 1


if __name__ == "__main__":
    sys.exit(main())
