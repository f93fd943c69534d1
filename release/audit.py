"""Known vulnerabilities of what `constraints.txt` pins: `make audit`.

pip-audit ends well where the service that it asks knows nothing of a package, of any package even.
So one more is asked about, of which every such service knows faults.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

PINNED = Path(__file__).parents[1] / "constraints.txt"
KNOWN = ("django", "3.0")  # has had many faults, and is none of our dependencies
NOT_DONE = 75  # EX_TEMPFAIL: neither found nor excluded


class Audit(NamedTuple):
    """What came of it: the lines to print, and the exit code."""

    lines: tuple[str, ...]
    code: int


def judge(found: Iterable[dict[str, Any]]) -> Audit:
    """What the service said of each package, as pip-audit's JSON has it."""
    asked = {one["name"]: one for one in found}
    known = asked.pop(KNOWN[0], {})
    if not known.get("vulns"):
        what = " ".join(KNOWN)
        return undone(f"the service knows no fault of {what}, which has many")
    unknown = sorted(name for name, one in asked.items() if "skip_reason" in one)
    faults = [
        f"{name} {one['version']}: {fault['id']}, fixed in {_either(fault['fix_versions'])}"
        for name, one in sorted(asked.items())
        for fault in one.get("vulns", ())
    ]
    if len(unknown) == len(asked):
        return undone("the service knows none of the packages")
    looked = f"audit: {len(asked) - len(unknown)} packages looked up, {len(faults)} known faults"
    left = f"audit: not known to the service, so not looked up: {', '.join(unknown)}"
    return Audit((*faults, looked, *([left] if unknown else ())), 1 if faults else 0)


def _either(versions: Iterable[str]) -> str:
    return " or ".join(versions) or "no version yet"


def undone(why: str) -> Audit:
    """No audit at all, which is no good news."""
    return Audit((f"audit: NOT DONE: {why}",), NOT_DONE)


def ask(requirements: Path) -> Audit:
    """Ask pip-audit about every pinned version in a file, without resolving or installing any."""
    with TemporaryDirectory() as folder:
        known, answer = Path(folder, "known.txt"), Path(folder, "answer.json")
        known.write_text("==".join(KNOWN), encoding="utf-8")
        command = [sys.executable, "-m", "pip_audit", "--no-deps", "--disable-pip", "--format=json"]
        files = [f"--output={answer}", f"--requirement={requirements}", f"--requirement={known}"]
        done = subprocess.run(  # noqa: S603 - our own arguments
            [*command, "--progress-spinner=off", *files],
            capture_output=True,
            text=True,
            check=False,
        )
        try:
            return judge(json.loads(answer.read_text(encoding="utf-8"))["dependencies"])
        except (OSError, ValueError):
            said = (done.stderr.strip() or "pip-audit said nothing").splitlines()[-1]
            return undone(f"the service was not reached ({said})")


if __name__ == "__main__":
    result = ask(Path(sys.argv[1]) if sys.argv[1:] else PINNED)
    print(*result.lines, sep="\n")
    sys.exit(result.code)
