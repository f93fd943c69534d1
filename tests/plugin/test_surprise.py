"""Surprise by a base model, in whole runs: kept, recorded, refused."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path

import pytest

from pytest_diversity.judges.likelihood import Scorer
from tests.judges.test_surprise import save

CONFIG = """
[checkpoints]
m = "replay:m.jsonl"
[domains.talk]
kind = "prose"
{surprise}
[domains.talk.budget]
semantic = {{ metric = "conditional_surprise()", {budget} }}
"""


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two small ones."""
    folder = tmp_path_factory.mktemp("made")
    for seed, name in enumerate(("one", "other")):
        save(folder / name, seed)
    return folder


@pytest.fixture
def project(pytester: pytest.Pytester, models: Path) -> pytest.Pytester:
    """Recorded samples and base models beside them."""
    rows = [
        {"domain": "talk", "prompt": f"p{p}", "index": i, "text": text}
        for p in range(4)
        for i, text in enumerate(["red", "blue", "it is red"])
    ]
    (pytester.path / "m.jsonl").write_text("\n".join(map(json.dumps, rows)))
    shutil.copytree(models, pytester.path / "models")
    pytester.makeini("[pytest]\nfilterwarnings = error\naddopts = -p no:cacheprovider\n")
    return pytester


def run(
    project: pytest.Pytester, source: str | None, budget: str, *options: str
) -> pytest.RunResult:
    """A run with one budget on surprise."""
    said = f'surprise = "{source}"' if source else ""
    text = CONFIG.format(surprise=said, budget=budget)
    (project.path / "diversity.toml").write_text(text)
    return project.runpytest_inprocess(*options)


def test_scores_are_kept_in_the_store(
    project: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it said once is not asked again: the second run loads no model."""
    run(project, "models/one", "min = 0").assert_outcomes(passed=1)
    monkeypatch.delattr(Scorer, "loaded")
    run(project, "models/one", "min = 0").assert_outcomes(passed=1)


CHANGES: Mapping[str, tuple[str, str | None]] = {
    "nothing": ("models/one", None),
    "another model": ("models/other", "*surprise was by 'surprise:models/one 1 (*"),
}


@pytest.mark.parametrize("case", CHANGES)
def test_a_baseline_is_of_one_model(project: pytest.Pytester, case: str) -> None:
    """Under another one its values are not compared with."""
    source, message = CHANGES[case]
    drop = 'max_drop = "50%", reference = "baseline"'
    run(project, "models/one", drop, "--diversity-record")
    result = run(project, source, drop)
    result.assert_outcomes(**({"failed": 1} if message else {"passed": 1}))
    if message:
        result.stdout.fnmatch_lines([message])


FAULTS: Mapping[str, tuple[str | None, int, str]] = {
    "nothing there": ("models/nowhere", 4, "*diversity.toml:6*base model*nowhere*"),
    "no model": ("models", 4, "*diversity.toml:6*has no config.json*"),
    "none named": (None, 1, '*name one with surprise = "SOURCE"*'),
}


@pytest.mark.parametrize("case", FAULTS)
def test_what_is_no_base_model(project: pytest.Pytester, case: str) -> None:
    """One sentence, before anything is measured, that points at the line where there is one."""
    source, code, message = FAULTS[case]
    result = run(project, source, "min = 0")
    assert result.ret == code
    lines = [*result.errlines, *result.outlines]
    pytest.LineMatcher(lines).fnmatch_lines([message])
