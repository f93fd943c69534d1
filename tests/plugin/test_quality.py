"""Judges of quality in whole runs: what they decide, what is said of them, where they fail."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from pytest_diversity.domains.prose import PROSE

CHECKERS = """
def tenths(prompt, text):
    return int(text.split()[1]) / 10

def raising(prompt, text):
    raise RuntimeError("out of order")

def nan(prompt, text):
    return float("nan")
"""
HEAD = """
[checkpoints]
base = "replay:base.jsonl"
dpo = "replay:dpo.jsonl"
"""


def write(path: Path, scores: Sequence[int]) -> None:
    """Answers that say their own scores, in tenths."""
    rows = [
        {"domain": "talk", "prompt": f"p{p}", "index": i, "text": f"answer {s} of {p}"}
        for p in range(8)
        for i, s in enumerate(scores)
    ]
    path.write_text("\n".join(map(json.dumps, rows)))


@pytest.fixture
def project(pytester: pytest.Pytester) -> pytest.Pytester:
    """Two recorded checkpoints; the second has better answers."""
    pytester.makeini("[pytest]\nfilterwarnings = error\naddopts = -p no:cacheprovider\n")
    write(pytester.path / "base.jsonl", range(10))
    write(pytester.path / "dpo.jsonl", range(3, 10))
    (pytester.path / "checkers.py").write_text(CHECKERS)
    return pytester


def configure(project: pytest.Pytester, quality: str, budget: str, reference: str) -> None:
    """A domain with a judge and one budget of quality."""
    (project.path / "diversity.toml").write_text(
        f'{HEAD}[defaults]\nreference = "{reference}"\n[domains.talk]\nkind = "prose"\n'
        f"quality = {quality}\n[domains.talk.budget]\nquality = {{ {budget} }}\n"
    )


TENTHS = '{ judge = "callable:checkers:tenths", threshold = "reference:p20" }'


def test_a_percentile_is_of_the_reference(project: pytest.Pytester) -> None:
    """p20 of 0 to 9 tenths is .18: 8 of 10 pass, and all of the other checkpoint."""
    configure(project, TENTHS, "min = 0.7", "base")
    result = project.runpytest_inprocess()
    result.assert_outcomes(passed=2)
    result.stdout.re_match_lines(["base +talk +quality +0.800.*", "dpo +talk +quality +1.00 .*"])


def test_a_percentile_is_fixed_when_recorded(project: pytest.Pytester) -> None:
    """A model whose answers got worse falls below what was recorded, not below its own."""
    configure(project, TENTHS, 'max_drop = "5%"', "baseline")
    select = "--diversity-checkpoint=dpo"
    project.runpytest_inprocess("--diversity-record", select)
    recorded = json.loads((project.path / "tests/__diversity__/talk.json").read_text())
    bar = recorded["checkpoints"]["dpo"]["metrics"]["validity()"]["judge"]
    assert bar.startswith("callable:checkers:tenths ")
    assert float(bar.rpartition(">= ")[2]) == pytest.approx(0.4, abs=0.05)
    write(project.path / "dpo.jsonl", range(7))
    result = project.runpytest_inprocess(select)
    result.assert_outcomes(failed=1)


FAULTS: Mapping[str, tuple[str, str]] = {
    "an unknown judge": ('"adequat"', "*unknown judge 'adequat'; did you mean 'adequate'?*"),
    "a threshold out of range": (
        '{ judge = "adequate", threshold = 2 }',
        "*threshold 2 is outside the range of the judge 'adequate', 0 to 1*",
    ),
    "a function that is not there": ('"callable:checkers:none"', "*cannot be found*"),
    "a reward model that is not there": ('"reward:./nowhere"', "*reward model*"),
    "a rubric without places": (
        '{ judge = "llm:base", rubric = "{prompt}" }', "*the rubric has no {answer}*"
    ),
    "an unknown key": ('{ judge = "adequate", treshold = 1 }', "*did you mean 'threshold'?*"),
    "neither": ("3", "*quality cannot be 3*"),
}  # fmt: skip


@pytest.mark.parametrize("case", FAULTS)
def test_what_cannot_judge_ends_the_run(project: pytest.Pytester, case: str) -> None:
    """Before anything is drawn, in one sentence that names the line."""
    quality, message = FAULTS[case]
    configure(project, quality, "min = 0.1", "base")
    result = project.runpytest_inprocess()
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([message])
    assert "Traceback" not in result.stdout.str() + result.stderr.str()


@pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["alone", "two workers"])
@pytest.mark.parametrize(
    ("function", "message"),
    [("raising", "*failed: RuntimeError: out of order*"), ("nan", "*gave nan as a score*")],
)
def test_a_judge_that_fails_makes_nothing_valid(
    project: pytest.Pytester, function: str, message: str, workers: tuple[str, ...]
) -> None:
    """The test fails with one sentence, in each worker."""
    configure(project, f'"callable:checkers:{function}"', "min = 0", "base")
    result = project.runpytest_inprocess(*workers)
    result.assert_outcomes(failed=2)
    result.stdout.fnmatch_lines([message])


def test_calibrate_shows_what_a_threshold_costs(project: pytest.Pytester) -> None:
    """The share of each checkpoint's answers at percentiles of the healthy one's scores."""
    configure(project, '"callable:checkers:tenths"', "min = 0.1", "base")
    result = project.runpytest_inprocess("--diversity-calibrate")
    result.stdout.re_match_lines(
        [
            "accepted by callable:checkers:tenths +threshold +base +dpo",
            "talk p20 +0.1[0-9]+ +0.80 +1.00",
            "talk p50 +0.4[0-9]+ +0.50 +0.71",
            r"proposed: threshold = 0\.1\d*, or reference:p20 to follow base",
        ],
        consecutive=False,
    )


HOOK = """
from pytest_diversity import register_judge

def answers(prompt, text):
    return int(text.split()[1]) / 10

def pytest_diversity_register_judges():
    register_judge(answers, version="1", threshold=0.6)
"""


@pytest.mark.parametrize(
    ("scores", "outcome", "said"),
    [
        (
            [6, 7, 8, 9, 9] * 2,
            {"passed": 1, "failed": 1},
            "1.00; further apart than *",
        ),
        (
            [*range(1, 10), 9],
            {"passed": 2},
            "0.50; nearer than *valid by well_formed",
        ),
    ],
    ids=["far apart", "alike"],
)
def test_by_default_the_bar_depends_on_both_sides(
    project: pytest.Pytester,
    monkeypatch: pytest.MonkeyPatch,
    scores: Sequence[int],
    outcome: dict[str, int],
    said: str,
) -> None:
    """The rough judge decides where it can tell, and the message says which decided, and why."""
    monkeypatch.setattr("pytest_diversity.domains.prose.PROSE", replace(PROSE, rough="answers"))
    project.makeconftest(HOOK)
    write(project.path / "dpo.jsonl", scores)
    (project.path / "diversity.toml").write_text(
        f'{HEAD}[defaults]\nreference = "base"\n[domains.talk]\nkind = "prose"\n'
        "[domains.talk.budget]\nquality = { max_rise = 0.1 }\n"
    )
    result = project.runpytest_inprocess()
    result.assert_outcomes(**outcome)
    result.stdout.fnmatch_lines([f"*answers its prompt: base 0.40, dpo {said}*"])


TEST = """
from pytest_diversity import assert_quality

def test_it():
    verdict = assert_quality(
        {"p": ["answer 1", "answer 9"]}, min=0.1, domain="talk",
        quality={"judge": "callable:checkers:tenths", "threshold": 0.5},
    )
    assert verdict.value == 0.5
    assert verdict.bar.startswith("callable:checkers:tenths")
"""


def test_an_assertion_names_a_judge(project: pytest.Pytester) -> None:
    """In place of the domain's."""
    configure(project, '"well_formed"', "min = 0", "base")
    project.makepyfile(TEST)
    project.runpytest_inprocess("test_an_assertion_names_a_judge.py").assert_outcomes(passed=1)
