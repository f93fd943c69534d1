"""What is on disk says its version, and the page says what becomes of another one."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import pytest

from pytest_diversity.baselines import file as baselines
from pytest_diversity.report import as_json
from pytest_diversity.sampling.engines import openai
from pytest_diversity.sampling.engines.transformers import weights
from pytest_diversity.sandbox.inside import wire
from pytest_diversity.store import schema

PAGE = (Path(__file__).parents[2] / "docs" / "stability.md").read_text(encoding="utf-8")

# A number that is raised is a promise about what lies on users' disks: write that down, too.
VERSIONS: Mapping[str, str] = {
    "the store": f"schema {schema.SCHEMA}",
    "a baseline": f"schema {baselines.SCHEMA}",
    "the JSON report": f"schema {as_json.SCHEMA}",
    "samples drawn by transformers": f"engine `{weights.ENGINE}`",
    "samples of a server": f"engine `{openai.ENGINE}`",
    "what programs did": f"canonical form {wire.CANONICAL_FORM}",
}


@pytest.mark.parametrize("what", VERSIONS)
def test_the_page_says_the_version_of(what: str) -> None:
    """In the row that says what becomes of older and newer ones."""
    [row] = re.findall(rf"^\| {what}.*$", PAGE, re.MULTILINE)
    assert f"| {VERSIONS[what]}" in row


def test_the_schema_of_reports_is_that_of_the_reports() -> None:
    """A reader finds by the one number what the other describes."""
    assert as_json.schema()["properties"]["schema"]["const"] == as_json.SCHEMA
