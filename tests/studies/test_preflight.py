"""Whether rewards and answers differ enough to learn from."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

import pytest

from pytest_diversity.config.values import Domain
from pytest_diversity.domains.build import features_of
from pytest_diversity.prompts import Prompt
from pytest_diversity.samples import SampleSet
from pytest_diversity.studies.preflight import Signal, signal

RIGHT, WRONG, OTHER = "Answer: 4", "Answer: 5", "Answer: 6"


def looked_at(groups: Sequence[Sequence[str]]) -> Signal:
    """What a learner sees of answers to sums whose result is 4."""
    samples = SampleSet.of({f"p{i}": group for i, group in enumerate(groups)})
    prompts = {f"p{i}": Prompt(f"p{i}", "What is 2 + 2?", answer="4") for i in range(len(groups))}
    return signal(features_of(samples, Domain("sums", kind="answer"), prompts=prompts))


CASES: Mapping[str, tuple[Sequence[Sequence[str]], tuple[object, ...]]] = {
    "some right, some wrong": ([[RIGHT, WRONG], [WRONG, RIGHT]], (0.5, 0, 0, 0, 2.0, "enough")),
    "never right": ([[WRONG, OTHER], [WRONG, WRONG]], (0.0, 2, 2, 2, 1.5, "too little")),
    "one group always right, one never": (
        [[RIGHT, RIGHT], [WRONG, WRONG], [RIGHT, WRONG]],
        (0.5, 2, 1, 1, 4 / 3, "too little"),
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_groups_are_counted(case: str) -> None:
    """Mean reward, groups that are all alike, those at either end, and different answers."""
    groups, expected = CASES[case]
    found = looked_at(groups)
    assert found.reward == "correct"
    seen = (found.mean, found.alike, found.best, found.worst, found.answers, found.verdict)
    assert seen == pytest.approx(expected)


def test_the_interval_is_honest_where_no_group_is_alike() -> None:
    """None of two says little: Wilson's interval is [0, .658]."""
    low, high = looked_at([[RIGHT, WRONG]] * 2).interval
    assert (low, high) == pytest.approx((0.0, 0.6576), abs=1e-4)


CONFIG = """
[checkpoints]
base = "replay:base.jsonl"
[domains.sums]
kind = "answer"
prompts = "sums.jsonl"
[domains.sums.budget]
quality = { min = 0.2 }
"""


@pytest.fixture
def sums(project: pytest.Pytester) -> pytest.Pytester:
    """One checkpoint that was right once in 24 times."""
    folder = project.path
    asked = [{"id": f"p{i}", "prompt": f"What is {i} + 4 - {i}?", "answer": "4"} for i in range(6)]
    (folder / "sums.jsonl").write_text("".join(f"{json.dumps(one)}\n" for one in asked))
    drawn = [
        {"prompt": f"p{i}", "index": k, "text": WRONG if i or k else RIGHT}
        for i in range(6)
        for k in range(4)
    ]
    (folder / "base.jsonl").write_text("".join(f"{json.dumps(one)}\n" for one in drawn))
    (folder / "diversity.toml").write_text(CONFIG)
    return project


def test_from_the_command_line(sums: pytest.Pytester) -> None:
    """In place of tests, a line for each checkpoint and domain, and what to change."""
    result = sums.runpytest_inprocess("--diversity-preflight=4")
    assert result.ret == pytest.ExitCode.OK
    result.stdout.fnmatch_lines(
        [
            "checkpoint  domain  reward   n x K  mean *all alike *answers *verdict",
            "base *sums *correct  6 x 4  0.0417  0.833 [[]0.436, 0.970[]]  1.17 *too little",
            "base sums: 5 groups without any success: take easier prompts",
            "base sums: most prompts get one answer only: raise the temperature, *",
        ]
    )


def test_a_number_that_is_none_is_refused(sums: pytest.Pytester) -> None:
    """Of one sample nothing can differ."""
    result = sums.runpytest_inprocess("--diversity-preflight=1")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*diversity: *preflight*"])
