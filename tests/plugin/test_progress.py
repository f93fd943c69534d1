"""What a run shows of its work while it goes on: embedding, running programs, judging."""

from __future__ import annotations

import pytest

CONFIG = """
[checkpoints]
base = "replay:base.jsonl"
[domains.code]
execution = "sandbox"
[domains.code.budget]
quality = { min = 0 }
[domains.prose]
quality = "callable:judges:polite"
[domains.prose.budget]
quality = { min = 0 }
semantic = { min = 0 }
"""
JUDGES = "def polite(prompt, text): return 1.0"
SMALL = """
from pytest_diversity.features import embeddings
from pytest_diversity.report import progress
embeddings._PIECE, progress._PATIENCE = 4, 0.0
"""
SHOWN = (
    "diversity: base code: running * programs",
    "diversity: prose: judging * answers",
    "diversity: base prose: embedding * texts",
)


@pytest.fixture
def project(project: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """One whose work is shown at once, in small pieces."""
    monkeypatch.setenv("CI", "true")
    (project.path / "diversity.toml").write_text(CONFIG)
    project.makeconftest(SMALL)
    (project.path / "judges.py").write_text(JUDGES)
    return project


@pytest.mark.long
@pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["alone", "with xdist"])
def test_long_work_is_shown(project: pytest.Pytester, workers: tuple[str, ...]) -> None:
    """For whom, what, and how much of it; and each is said to be done."""
    result = project.runpytest_subprocess("-p", "no:cacheprovider", *workers)
    result.assert_outcomes(passed=3)
    for line in SHOWN:
        result.stderr.fnmatch_lines([line, "diversity: *: * of * in * s"])
    result.stderr.no_fnmatch_line("*\r*")


@pytest.mark.long
def test_nothing_is_shown_of_it_in_a_quiet_run(project: pytest.Pytester) -> None:
    """Not even in lines."""
    result = project.runpytest_subprocess("-p", "no:cacheprovider", "-q")
    result.assert_outcomes(passed=3)
    assert result.stderr.str() == ""
