"""A model that tells which answers mean the same, in whole runs: kept, recorded, refused."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.judges.test_cross_encoder import TEXTS, save

CONFIG = """
[checkpoints]
m = "replay:m.jsonl"
[domains.talk]
kind = "prose"
equivalence = {equivalence}
[domains.talk.budget]
effective = {{ {budget} }}
"""
MODEL = '{ judge = "cross_encoder:./model", threshold = 0.985 }'
BESIDE = """
def test_beside(diversity, samples):
    diversity.assert_effective_diversity(samples("talk"), domain="talk", min=0)
"""


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small one."""
    return save(tmp_path_factory.mktemp("made") / "model")


@pytest.fixture
def project(pytester: pytest.Pytester, model: Path) -> pytest.Pytester:
    """Recorded samples and a cross-encoder beside them."""
    rows = [
        {"domain": "talk", "prompt": f"p{p}", "index": i, "text": text}
        for p in range(4)
        for i, text in enumerate([*TEXTS, TEXTS[0]])
    ]
    (pytester.path / "m.jsonl").write_text("\n".join(map(json.dumps, rows)))
    shutil.copytree(model, pytester.path / "model")
    pytester.makeini("[pytest]\nfilterwarnings = error\naddopts = -p no:cacheprovider\n")
    return pytester


def configure(project: pytest.Pytester, equivalence: str, budget: str = "min = 0") -> None:
    """One domain whose meanings a model tells."""
    text = CONFIG.format(equivalence=equivalence, budget=budget)
    (project.path / "diversity.toml").write_text(text)


def test_workers_take_its_scores_from_the_store(project: pytest.Pytester) -> None:
    """Once it was asked its weights are looked at, and never loaded again."""
    configure(project, MODEL)
    project.makepyfile(BESIDE)
    project.runpytest_inprocess().assert_outcomes(passed=2)
    (project.path / "conftest.py").write_text(
        "from pytest_diversity.judges.classifier import Classifier\n"
        "def refuse(*_): raise AssertionError('loaded')\n"
        "Classifier._loaded = refuse\n"
    )
    project.runpytest_subprocess("-n", "2").assert_outcomes(passed=2)


CHANGES: Mapping[str, tuple[str, str | None]] = {
    "nothing": (MODEL, None),
    "another threshold": (MODEL.replace("0.985", "0.5"), "*the equivalence was 'cross_encoder:*"),
    "another kind of rule": ('"exact"', "*the equivalence was 'cross_encoder:*now 'exact 1'*"),
}


@pytest.mark.parametrize("case", CHANGES)
def test_a_baseline_is_of_one_model_and_threshold(project: pytest.Pytester, case: str) -> None:
    """Under another one its values are not compared with."""
    way, message = CHANGES[case]
    drop = 'max_drop = "50%", reference = "baseline"'
    configure(project, MODEL, drop)
    project.runpytest_inprocess("--diversity-record")
    configure(project, way, drop)
    result = project.runpytest_inprocess()
    result.assert_outcomes(**({"failed": 1} if message else {"passed": 1}))
    if message:
        result.stdout.fnmatch_lines([message])


FAULTS: Mapping[str, tuple[str, str]] = {
    "nothing there": ('"cross_encoder:./nowhere"', "*cross-encoder*nowhere*"),
    "a threshold out of range": (
        '{ judge = "cross_encoder:./model", threshold = 2 }',
        "*threshold 2 is outside the range*",
    ),
    "no rubric": ('"llm:m"', "*needs a rubric*"),
    "a rubric of quality": (
        '{ judge = "llm:m", rubric = "{prompt} {answer}" }',
        "*the rubric has no {one}*",
    ),
    "an unknown key": ('{ judge = "exact", treshold = 1 }', "*did you mean 'threshold'?*"),
    "neither": ("3", "*equivalence cannot be 3*"),
}


@pytest.mark.parametrize("case", FAULTS)
def test_what_cannot_tell_ends_the_run(project: pytest.Pytester, case: str) -> None:
    """Before anything is drawn, in one sentence that names the line."""
    way, message = FAULTS[case]
    configure(project, way)
    result = project.runpytest_inprocess()
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([message])
    assert "Traceback" not in result.stdout.str() + result.stderr.str()
