"""The recipes of docs/reports.md are what CI systems read, and ask for reports that there are."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

from pytest_diversity.report.types import TYPES

PAGE = Path(__file__).parents[2].joinpath("docs", "reports.md").read_text(encoding="utf-8")
GITHUB, GITLAB = (yaml.safe_load(one) for one in re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL))


def asked(command: str) -> dict[str, str]:
    """The types of reports that a command asks for, with the files they go to."""
    names = re.findall(r"--diversity-report=([\w-]+)", command)
    return {name: TYPES[name].dest for name in names}


def test_github_keeps_the_store_and_what_was_written() -> None:
    """Each run saves a cache of its own, and begins with the newest."""
    steps: list[dict[str, Any]] = GITHUB["jobs"]["diversity"]["steps"]
    (cache,) = (one["with"] for one in steps if "cache" in one.get("uses", ""))
    assert cache["path"] == ".diversity"
    assert cache["key"].startswith(cache["restore-keys"])
    (command,) = (one["run"] for one in steps if "pytest --" in one.get("run", ""))
    (upload,) = (one for one in steps if "upload" in one.get("uses", ""))
    assert asked(command)["markdown-append"] == "$GITHUB_STEP_SUMMARY"
    assert upload["with"]["path"].split() == [asked(command)["html"], "junit.xml"]
    assert upload["if"] == "always()"


def test_gitlab_finds_what_was_written() -> None:
    """Also of a run that failed."""
    job = GITLAB["diversity"]
    files = asked(job["script"][-1])
    assert job["artifacts"]["reports"]["metrics"] == files["openmetrics"]
    assert job["artifacts"]["paths"] == [files["html"]]
    assert job["artifacts"]["when"] == job["cache"]["when"] == "always"
    assert job["cache"]["paths"] == [".diversity/"]


def test_the_page_names_every_type_with_its_file() -> None:
    """In its first table."""
    rows = dict(re.findall(r"^\| `([\w-]+)` \| `([^`]+)` \|", PAGE, re.MULTILINE))
    assert rows == {name: one.dest for name, one in TYPES.items()}
