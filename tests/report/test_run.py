"""A run that is over: what counts of its verdicts, and in which order."""

from __future__ import annotations

from collections.abc import Callable

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


def test_of_a_gate_that_was_judged_again_the_last_verdict_counts(
    judged: Callable[..., Judged],
) -> None:
    """Where the first one stood."""
    rows = [judged(status="fail", fails=True), judged(family="quality"), judged(test="t.py::u")]
    once = once_each(rows)
    assert [one.verdict.family for one in once] == ["lexical", "quality"]
    assert once[0] is rows[2]


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
