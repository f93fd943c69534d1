"""Baselines that no test uses are removed, after whole green runs alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest

from .recordings import FOLDER, Record, recorded


def test_pruning_removes_what_no_test_uses(project: pytest.Pytester) -> None:
    """After a whole green run the baselines of a checkpoint that is gone are removed."""
    project.runpytest_inprocess("--diversity-record")
    text = (project.path / "diversity.toml").read_text()
    (project.path / "diversity.toml").write_text(text.replace('base = "replay:base.jsonl"\n', ""))
    result = project.runpytest_inprocess("--diversity-prune")
    result.assert_outcomes(passed=3)
    result.stdout.fnmatch_lines([f"baseline pruned: {FOLDER}/code.json"])
    assert sorted(recorded(project)) == ["dpo"]


def test_pruning_removes_a_whole_file(project: pytest.Pytester) -> None:
    """A domain that is gone loses its file."""
    project.runpytest_inprocess("--diversity-record")
    text = (project.path / "diversity.toml").read_text()
    start, end = text.index("[domains.code.budget]"), text.index("[domains.prose.budget]")
    (project.path / "diversity.toml").write_text(text[:start] + text[end:])
    project.runpytest_inprocess("--diversity-prune").assert_outcomes(passed=4)
    assert [path.name for path in (project.path / FOLDER).iterdir()] == ["prose.json"]


CRASH = """
import os, pytest
def pytest_runtest_setup(item):
    if "dpo" in item.name:
        os._exit(1)
"""
PARTS: Mapping[str, tuple[Sequence[str], str]] = {
    "by keyword": (("-k", "base"), "-k ran a part of the tests"),
    "by marker": (("-m", "diversity"), "-m ran a part of the tests"),
    "by id": (("diversity.toml::code",), "the command names a part of the tests"),
    "by checkpoint": (
        ("--diversity-checkpoint", "dpo"),
        "--diversity-checkpoint ran a part of the tests",
    ),
    "deselected": (
        ("--deselect", "diversity.toml::code::lexical[dpo]"),
        "--deselect ran a part of the tests",
    ),
    "a folder ignored": (("--ignore", "other"), "--ignore ran a part of the tests"),
}


@pytest.mark.parametrize("case", PARTS)
def test_pruning_is_refused_after_a_part_of_the_tests(project: pytest.Pytester, case: str) -> None:
    """Such a run cannot know what is unused."""
    arguments, reason = PARTS[case]
    project.runpytest_inprocess("--diversity-record")
    before = recorded(project)
    result = project.runpytest_inprocess("--diversity-prune", *arguments)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stdout.fnmatch_lines([f"error: nothing was pruned: {reason}; run all tests: *"])
    assert recorded(project) == before


def test_pruning_is_refused_after_a_failure(project: pytest.Pytester, record: Record) -> None:
    """A failing test may have used less than it would have."""
    project.runpytest_inprocess("--diversity-record")
    record(project.path / "dpo.jsonl", different=1)
    result = project.runpytest_inprocess("--diversity-prune")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stdout.fnmatch_lines(["*nothing was pruned: a test failed or a worker crashed; *"])


def test_pruning_is_refused_after_a_crash(project: pytest.Pytester) -> None:
    """What a crashed worker would have used is not known."""
    project.runpytest_inprocess("--diversity-record")
    before = recorded(project)
    project.makeconftest(CRASH)
    result = project.runpytest_subprocess("--diversity-prune", "-n", "1", "--max-worker-restart=0")
    assert result.ret != 0
    result.stdout.fnmatch_lines(["*nothing was pruned: a test failed or a worker crashed; *"])
    assert recorded(project) == before
