"""The page about security names tests that are there, and links to promises that are."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")


def test_every_threat_has_its_tests() -> None:
    """Each row of the last table names one at least, and each of these is defined in its file."""
    rows = PAGE.partition("## What was tried")[2].splitlines()
    threats = [row for row in rows if row.startswith("| ") and not row.startswith(("| **", "| -"))]
    named = [re.findall(r"`(tests/[\w/]+\.py)::(test_\w+)`", row) for row in threats[1:]]
    assert len(named) > 30
    assert [row for row, tests in zip(threats[1:], named, strict=True) if not tests] == []
    sources = {file: (ROOT / file).read_text("utf-8") for tests in named for file, _ in tests}
    gone = [
        f"{file}::{name}"
        for tests in named
        for file, name in tests
        if f"def {name}(" not in sources[file]
    ]
    assert gone == []


def test_whom_to_tell_stands_where_people_look() -> None:
    """`SECURITY.md` at the root is short, and says that reports are private."""
    text = (ROOT / "SECURITY.md").read_text(encoding="utf-8")
    assert "private vulnerability report" in text
    assert "docs/security.md" in text
    assert len(text.splitlines()) < 15
