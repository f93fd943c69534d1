"""docs/configuration.md says what the table of keys says."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from pytest_diversity.config.keys import KEYS
from pytest_diversity.config.page import render

PAGE = Path(__file__).parents[2] / "docs" / "configuration.md"


def test_the_page_is_up_to_date() -> None:
    """Else: python -m pytest_diversity.config.page."""
    text = PAGE.read_text(encoding="utf-8")
    assert render(text) == text


def test_the_page_shows_every_key_once() -> None:
    """An option as its flag, a key of the file by its name, each in one row."""
    rows = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if "| `" in line[:4]]
    assert len(rows) == len(KEYS)
    assert "| `top_p` | a checkpoint, [defaults] | a number above 0 up to 1 | `1.0` |" in "\n".join(
        rows
    )


def test_the_command_writes_the_tables_alone(tmp_path: Path) -> None:
    """What stands between them is kept."""
    page = tmp_path / "docs" / "configuration.md"
    page.parent.mkdir()
    page.write_text("# Head\n\n<!-- keys of a budget -->\nold\n<!-- end -->\n\nfoot\n")
    command = [sys.executable, "-m", "pytest_diversity.config.page"]
    subprocess.run(command, cwd=tmp_path, check=True)  # noqa: S603 - this interpreter
    text = page.read_text()
    assert text.startswith("# Head\n\n<!-- keys of a budget -->\n| a budget |")
    assert text.endswith("<!-- end -->\n\nfoot\n")
    assert "| `max_drop` |" in text
    assert "old" not in text
