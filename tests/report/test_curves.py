"""A training run as a curve: what is one, where it broke its budget, and how it is drawn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_diversity.report.curves import BLOCKS, Curve, curve_lines, curves, markdown, sparkline
from pytest_diversity.verdict import Difference, Status, Verdict


def verdict(step: int | None, value: float | None, status: Status = "pass", **more: Any) -> Verdict:
    """The verdict on a step of the run `dpo`, with an interval of 0.02 to both sides."""
    of = {"run": "dpo", "domain": "code", "family": "lexical", "metric": "pair_distinct(n=4)"}
    said = {"headline": "", "details": (), "notes": (), "budget": "min 0.5", "level": "error"}
    size = {"checkpoint": f"dpo-{step}", "prompts": 4, "samples": "8", "limits": {"min": 0.5}}
    low, high = (None, None) if value is None else (value - 0.02, value + 0.02)
    plain: dict[str, Any] = {**of, **said, **size, "low": low, "high": high, **more}
    return Verdict(status=status, value=value, step=step, **plain)


def only(verdicts: Sequence[Verdict]) -> Curve:
    """Their one curve."""
    (found,) = curves(verdicts)
    return found


FALLING = [verdict(400, 0.71), verdict(600, 0.48, "fail"), verdict(1000, 0.41, "fail")]


def test_a_run_is_a_curve_by_step() -> None:
    """Its points are in the order of the steps, with all that was found of each."""
    found = only(FALLING[::-1])
    assert [(p.step, p.checkpoint, p.value, p.status) for p in found.points] == [
        (400, "dpo-400", 0.71, "pass"),
        (600, "dpo-600", 0.48, "fail"),
        (1000, "dpo-1000", 0.41, "fail"),
    ]
    assert found.points[0].low == pytest.approx(0.69)
    assert found.limits == {"min": 0.5}
    assert found.broken == 600


OTHERS: Mapping[str, Mapping[str, Any]] = {
    "domain": {"domain": "prose"},
    "family": {"family": "syntactic"},
    "metric": {"metric": "ead(n=4)"},
    "run": {"run": "sft"},
}


@pytest.mark.parametrize("other", OTHERS)
def test_curves_are_never_mixed(other: str) -> None:
    """What differs in run, domain, family or metric is another curve."""
    more = [verdict(step, 0.3, **OTHERS[other]) for step in (400, 600)]
    assert [len(curve.points) for curve in curves([*FALLING, *more])] == [3, 2]


def test_no_curve_of_one_step_nor_of_what_is_no_step() -> None:
    """One checkpoint has no course, and others stand alone."""
    assert curves([verdict(400, 0.7), verdict(None, 0.7, run=""), verdict(None, 0.6, run="")]) == []


def test_the_worst_verdict_on_a_step_counts() -> None:
    """Two tests with bounds of their own are one point, which broke if one of them failed."""
    twice = [verdict(400, 0.7, "fail"), verdict(400, 0.7), verdict(600, 0.7)]
    assert only(twice).broken == only(twice[::-1]).broken == 400


STATES: Mapping[str, tuple[Sequence[Verdict], str]] = {
    "kept": ([verdict(1, 0.7), verdict(2, 0.7)], "kept"),
    "broken, and kept again": (
        [verdict(1, 0.7), verdict(2, 0.4, "fail"), verdict(3, 0.7)],
        "broken at step 2",
    ),
    "unclear before it broke": (
        [verdict(1, 0.49, "unclear"), verdict(2, 0.4, "fail")],
        "broken at step 2",
    ),
    "unclear": ([verdict(1, 0.7), verdict(2, 0.49, "unclear")], "unclear at step 2"),
    "undefined": ([verdict(1, 0.7), verdict(2, None, "undefined")], "undefined at step 2"),
    "only a warning": (
        [verdict(1, 0.7, level="warn"), verdict(2, 0.4, "fail", level="warn")],
        "broken at step 2",
    ),
    "only measured": ([verdict(s, 0.4, "fail", level="off") for s in (1, 2)], "-"),
    "without a bound": ([verdict(s, 0.4, limits={}) for s in (1, 2)], "-"),
}


@pytest.mark.parametrize("case", STATES)
def test_what_became_of_the_budget(case: str) -> None:
    """The first step that surely broke it is named; a doubt is not called broken."""
    verdicts, state = STATES[case]
    assert only(verdicts).state == state


SPARKS: Mapping[str, tuple[Sequence[float | None], str]] = {
    "falling": ([0.8, 0.6, 0.4, 0.2], "█▆▃▁"),
    "rising": ([0.2, 0.8], "▁█"),
    "no more than noise": ([0.500, 0.501, 0.499], "▅▅▄"),
    "a step without a value": ([0.8, None, 0.2], "█·▁"),
    "no value at all": ([None, None], "··"),
}


@pytest.mark.parametrize("case", SPARKS)
def test_a_sparkline(case: str) -> None:
    """The scale is as wide as the intervals, so that noise looks flat."""
    values, line = SPARKS[case]
    assert sparkline(only([verdict(i, value) for i, value in enumerate(values)]).points) == line


@given(st.lists(st.none() | st.floats(0, 1e6), min_size=2, max_size=60), st.integers(2, 30))
def test_a_sparkline_of_anything(values: Sequence[float | None], longest: int) -> None:
    """A block for each step, or as many as there is room for; the ends are always among them."""
    points = only([verdict(i, value) for i, value in enumerate(values)]).points
    line = sparkline(points, longest)
    assert len(line) == min(len(values), longest)
    assert set(line) <= {*BLOCKS, "·"}
    assert (line[0] == "·", line[-1] == "·") == (values[0] is None, values[-1] is None)


def test_the_table_of_the_terminal() -> None:
    """A line for each curve: its course, its ends, and where it broke."""
    assert curve_lines(curves(FALLING)) == [
        "run  domain  family   by step  first → last   budget",
        "dpo  code    lexical  █▃▁      0.710 → 0.410  broken at step 600",
    ]
    assert curve_lines([]) == []


def test_without_unicode() -> None:
    """A stream that has ASCII alone is given nothing else."""
    assert curve_lines(curves(FALLING), plain=True)[1] == (
        "dpo  code    lexical  #:_      0.710 -> 0.410  broken at step 600"
    )


def test_long_names_and_runs_fit_in_eighty_columns() -> None:
    """First the sparkline is shortened, then names."""
    more: dict[str, Any] = {"run": "dpo-with-a-long-name", "domain": "creative_writing"}
    many = [verdict(100 * step, 0.4, "fail", **more) for step in range(1, 120)]
    lines = curve_lines(curves(many), 80)
    assert max(map(len, lines)) <= 80
    assert lines[1].startswith("dpo-wit…  creativ…  lexical  ▅▅▅▅▅▅ ")
    assert (
        "dpo-with-a-long-name  creative_writing  lexical  ▅▅▅▅▅▅ "
        in curve_lines(curves(many), 100)[1]
    )
    assert len(sparkline(only(many).points)) == 24


def test_the_markdown() -> None:
    """A table of curves, and each step with its interval and change in one that is folded."""
    change = Difference("base", 0.7, -0.29, -0.33, -0.25, {}, "", None)
    lines = markdown(curves([*FALLING[:2], verdict(1000, 0.41, "fail", change=change)]))
    assert lines[0].startswith("| run | domain | family | by step |")
    assert lines[2] == "| dpo | code | lexical | █▃▁ | 0.710 → 0.410 | broken at step 600 |"
    assert "| 600 | 0.480 | \\[0.460, 0.500\\] | - | fail |" in lines
    assert "| -0.290 \\[-0.330, -0.250\\] from base | fail |" in lines[-3]
    assert markdown([]) == []


def test_names_cannot_break_the_markdown() -> None:
    """They are written as they are: no border of a table, no markup, no HTML."""
    text = "\n".join(markdown(curves([verdict(s, 0.7, run="a|b<script>*") for s in (1, 2)])))
    assert "a\\|b&lt;script&gt;\\*" in text
    assert "<script>" not in text
