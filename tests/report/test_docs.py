"""The recipes of docs/ci.md are what CI systems read, and ask for reports that there are."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

from pytest_diversity.report.types import TYPES

REPORTS, CI = (
    Path(__file__).parents[2].joinpath("docs", name).read_text(encoding="utf-8")
    for name in ("reports.md", "ci.md")
)
GITHUB, GITLAB = (yaml.safe_load(one) for one in re.findall(r"```yaml\n(.*?)```", CI, re.DOTALL))


def asked(command: str) -> dict[str, str]:
    """The types of reports that a command asks for, with the files they go to."""
    names = re.findall(r"--diversity-report=([\w-]+)", command)
    return {name: TYPES[name].dest for name in names}


def test_github_keeps_the_store_and_what_was_written() -> None:
    """Each run begins with the newest cache, and saves one of its own, also where it is red."""
    steps: list[dict[str, Any]] = GITHUB["jobs"]["diversity"]["steps"]
    used = {one["uses"].partition("@")[0].partition("/")[2]: one for one in steps if "uses" in one}
    found, saved = used["cache/restore"], used["cache/save"]
    assert found["with"]["path"] == saved["with"]["path"] == ".diversity"
    assert found["with"]["key"] == saved["with"]["key"]
    assert saved["with"]["key"].startswith(found["with"]["restore-keys"])
    (command,) = (one["run"] for one in steps if "pytest --" in one.get("run", ""))
    upload = used["upload-artifact"]
    assert asked(command)["markdown-append"] == "$GITHUB_STEP_SUMMARY"
    assert upload["with"]["path"].split() == [asked(command)["html"], "diversity.xml"]
    assert saved["if"] == upload["if"] == "always()"


def test_gitlab_finds_what_was_written() -> None:
    """Also of a run that failed."""
    job = GITLAB["diversity"]
    files = asked(job["script"][-1])
    assert job["artifacts"]["reports"]["metrics"] == files["openmetrics"]
    assert job["artifacts"]["paths"] == [files["html"]]
    assert job["artifacts"]["when"] == job["cache"]["when"] == "always"
    assert ".diversity" in job["cache"]["paths"]


def test_the_page_names_every_type_with_its_file() -> None:
    """In its first table."""
    rows = dict(re.findall(r"^\| `([\w-]+)` \| `([^`]+)` \|", REPORTS, re.MULTILINE))
    assert rows == {name: one.dest for name, one in TYPES.items()}
