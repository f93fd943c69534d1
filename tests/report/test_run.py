"""A run that is over: what counts of its verdicts, and in which order."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import permutations

import pytest

from pytest_diversity.events import Judged
from pytest_diversity.report.run import RunReport, by_trouble, once_each, trouble


def test_the_worst_come_first(judged: Callable[..., Judged]) -> None:
    """A failure before a warning before what is unclear before a pass; else as they came."""
    rows = [
        judged(domain="a"),
        judged(domain="b", status="unclear"),
        judged(domain="c", status="fail", level="warn"),
        judged(domain="d", status="undefined", fails=True),
        judged(domain="e", status="fail", fails=True),
        judged(domain="f", status="unclear", fails=True),
        judged(domain="g"),
    ]
    ordered = by_trouble(rows)
    assert "".join(one.verdict.domain for one in ordered) == "defcbag"
    assert [trouble(one) for one in ordered[2:5]] == ["failed", "warned", "unclear"]


def test_of_a_test_that_was_run_again_the_last_verdict_counts(
    judged: Callable[..., Judged],
) -> None:
    """Where the first one stood."""
    rows = [judged(status="fail", fails=True), judged(family="quality"), judged()]
    once = once_each(rows)
    assert [one.verdict.family for one in once] == ["lexical", "quality"]
    assert once[0] is rows[2]


@pytest.mark.parametrize("order", list(permutations(range(4))), ids=str)
def test_of_a_gate_that_several_tests_judge_the_worst_verdict_counts(
    judged: Callable[..., Judged], order: Sequence[int]
) -> None:
    """Whichever of them ran last, as under xdist; of those that are as bad, that of one test."""
    rows = [
        judged(test="t.py::a"),
        judged(test="t.py::d", status="fail", fails=True),
        judged(test="t.py::c", status="fail", fails=True),
        judged(test="t.py::b", status="unclear"),
    ]
    assert once_each(rows[index] for index in order) == (rows[2],)


def test_samples_at_hand_are_not_taken_for_each_other(judged: Callable[..., Judged]) -> None:
    """They have no name: a test may judge as many as it likes, of which each one counts."""
    rows = [judged(checkpoint="", headline=said) for said in ("0.4", "0.5", "0.4")]
    assert [one.verdict.headline for one in once_each(rows)] == ["0.4", "0.5"]


def test_a_gate_without_a_verdict_did_not_pass(
    judged: Callable[..., Judged], told: Callable[..., RunReport]
) -> None:
    """Whatever the others say."""
    assert told(judged()).passed
    assert told().passed
    assert not told(judged(), broken=True).passed
    assert not told(judged(status="unclear", fails=True)).passed
