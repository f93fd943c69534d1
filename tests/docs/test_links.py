"""What points into the documentation from outside of it, where Sphinx does not look."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import pytest_diversity

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md"])
def test_the_pages_of_the_root_link_to_what_is_there(name: str) -> None:
    """Files of the repository; other sites are for `make links`."""
    links = re.findall(r"\]\((?!https?:)([^)#]+)", (ROOT / name).read_text("utf-8"))
    assert [link for link in links if not (ROOT / link).exists()] == []


def test_the_code_names_pages_that_are_there() -> None:
    """In docstrings, comments and the sentences that a user meets."""
    sources = [*ROOT.glob("pytest_diversity/**/*.py"), *ROOT.glob("*.md"), ROOT / "pyproject.toml"]
    named = {
        page
        for source in sources
        for page in re.findall(r"docs/[\w/-]+\.md", source.read_text("utf-8"))
    }
    assert sorted(page for page in named if not (ROOT / page).exists()) == []


def test_every_public_name_is_in_the_reference() -> None:
    """The page of the Python interface holds it; metrics have a page of their own."""
    page = (ROOT / "docs/api.md").read_text("utf-8")
    missing = [name for name in pytest_diversity.__all__ if f":: {name}\n" not in page]
    assert missing == ["metrics"]


def test_every_public_name_is_stable_or_provisional() -> None:
    """The table at the head of the reference says which; what is in no row promises nothing."""
    page = (ROOT / "docs/api.md").read_text("utf-8")
    rows = re.findall(r"^\| (?:\*\*stable\*\*|provisional) \| (.+?) \|", page, re.MULTILINE)
    named = [name for row in rows for name in re.findall(r"`([A-Za-z_]+)`", row)]
    assert [name for name in pytest_diversity.__all__ if name not in named] == []


def test_the_readme_is_one_screen() -> None:
    """What, two commands, one picture; the rest is the site's."""
    assert len((ROOT / "README.md").read_text("utf-8").splitlines()) <= 80
