"""An audit that looked nothing up is none, and says so."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from release.audit import KNOWN, NOT_DONE, judge

ROOT = Path(__file__).parents[2]
SKIPPED: Mapping[str, Any] = {"skip_reason": "not found"}
FAULT: Mapping[str, Any] = {"id": "PYSEC-1", "fix_versions": ["2.1"]}
OLD = {"name": KNOWN[0], "version": KNOWN[1], "vulns": [FAULT]}


def one(name: str, *faults: Mapping[str, Any]) -> dict[str, Any]:
    return {"name": name, "version": "2.0", "vulns": list(faults)}


CASES: Mapping[str, tuple[list[dict[str, Any]], int, str]] = {
    "nothing is known against ours": (
        [OLD, one("a"), one("b")],
        0,
        "audit: 2 packages looked up, 0 known faults",
    ),
    "a fault of ours": ([OLD, one("a", FAULT)], 1, "a 2.0: PYSEC-1, fixed in 2.1"),
    "a service that knows no faults at all": (
        [{**OLD, "vulns": []}, one("a")],
        NOT_DONE,
        "audit: NOT DONE: the service knows no fault of django 3.0, which has many",
    ),
    "a service that knows no package at all": (
        [{"name": KNOWN[0], **SKIPPED}, {"name": "a", **SKIPPED}],
        NOT_DONE,
        "audit: NOT DONE: the service knows no fault of django 3.0, which has many",
    ),
    "a service that knows only the old one": (
        [OLD, {"name": "a", **SKIPPED}],
        NOT_DONE,
        "audit: NOT DONE: the service knows none of the packages",
    ),
    "nothing": ([], NOT_DONE, "audit: NOT DONE"),
}


@pytest.mark.parametrize("case", CASES)
def test_what_is_said_of_an_audit(case: str) -> None:
    """Found, not found, and not looked up are three things."""
    found, code, line = CASES[case]
    audit = judge(found)
    assert audit.code == code
    assert audit.lines[0].startswith(line)


def test_a_package_that_the_service_does_not_know_is_named() -> None:
    """It is neither safe nor at fault."""
    audit = judge([OLD, one("a"), {"name": "b", **SKIPPED}])
    assert audit.lines[-1] == "audit: not known to the service, so not looked up: b"
    assert audit.code == 0


@pytest.mark.long
def test_an_audit_that_reaches_nobody_says_so(tmp_path: Path) -> None:
    """A proxy that is not there stands for every network that is down."""
    pinned = tmp_path / "pinned.txt"
    pinned.write_text("pytest==9.2.0\n")
    done = subprocess.run(  # noqa: S603 - our own code
        [sys.executable, ROOT / "release" / "audit.py", pinned],
        env={"PATH": "/usr/bin", "HTTPS_PROXY": "http://127.0.0.1:9", "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == NOT_DONE, done.stdout + done.stderr
    assert done.stdout.startswith("audit: NOT DONE: the service was not reached (")
