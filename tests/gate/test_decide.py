"""Budget + estimate -> verdict."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_diversity.config.budget import Budget, Change
from pytest_diversity.estimate import Comparison
from pytest_diversity.gate.bounds import ALPHA, Gate
from pytest_diversity.gate.decide import decide
from pytest_diversity.metrics import Metric
from pytest_diversity.statistics.mean import Mean
from pytest_diversity.statistics.paired import paired_p

from .estimates import BASE, HIGHER, LEVEL, LOWER, WORSE, compared, estimated, judge

LEVELS: Mapping[str, tuple[Sequence[float], Budget, str, str]] = {
    "above the minimum": (LEVEL, Budget(min=0.3), "pass", "code lexical 0.400 >= 0.300 (dpo)"),
    "at the minimum": ([0.5] * 6, Budget(min=0.5), "pass", "code lexical 0.500 >= 0.500 (dpo)"),
    "surely below the minimum": (
        LEVEL,
        Budget(min=0.45),
        "fail",
        "code lexical 0.400 < 0.450 (dpo)",
    ),
    "below the minimum, within noise": (
        LEVEL,
        Budget(min=0.41),
        "unclear",
        "code lexical 0.400 < 0.410 (dpo)",
    ),
    "below the maximum": (LEVEL, Budget(max=0.5), "pass", "code lexical 0.400 <= 0.500 (dpo)"),
    "surely above the maximum": (
        LEVEL,
        Budget(max=0.35),
        "fail",
        "code lexical 0.400 > 0.350 (dpo)",
    ),
    "above the maximum, within noise": (
        LEVEL,
        Budget(max=0.39),
        "unclear",
        "code lexical 0.400 > 0.390 (dpo)",
    ),
    "one prompt below the minimum": (
        [0.2],
        Budget(min=0.3),
        "fail",
        "code lexical 0.200 < 0.300 (dpo)",
    ),
    "the worse of two bounds counts": (
        LEVEL,
        Budget(min=0.3, max=0.35),
        "fail",
        "code lexical 0.400 > 0.350 (dpo)",
    ),
    "undefined": ([], Budget(min=0.3), "undefined", "code lexical undefined (dpo)"),
    "no bound": (LEVEL, Budget(), "pass", "code lexical 0.400 (dpo)"),
}


@pytest.mark.parametrize("case", LEVELS)
def test_levels(case: str) -> None:
    """A level is judged by the one-sided bound over prompts; the headline says it all."""
    values, budget, status, headline = LEVELS[case]
    verdict = judge(estimated(values), budget)
    assert (verdict.status, verdict.headline) == (status, headline)


@pytest.mark.parametrize("minimum", [0.405, 0.41, 0.415, 0.42, 0.425, 0.43])
def test_a_level_fails_when_its_bound_says_so(minimum: float) -> None:
    """`fail` is exactly a one-sided 95 % bound on the wrong side of the budget."""
    bound = Mean.of(LEVEL, bounded=True).upper(0.95)
    status = judge(estimated(LEVEL), Budget(min=minimum)).status
    assert status == ("fail" if bound < minimum else "unclear")


CHANGES: Mapping[str, tuple[Sequence[float], Sequence[float], Budget, Metric, str, str]] = {
    "a drop beyond an absolute budget": (
        BASE,
        WORSE,
        Budget(max_drop=Change(0.02, relative=False)),
        HIGHER,
        "fail",
        "code lexical drop 0.0963 > 0.02 (dpo)",
    ),
    "a drop beyond a relative budget": (
        BASE,
        WORSE,
        Budget(max_drop=Change(0.05, relative=True)),
        HIGHER,
        "fail",
        "code lexical drop 17.3% > 5% (dpo)",
    ),
    "a drop within the budget": (
        BASE,
        WORSE,
        Budget(max_drop=Change(0.3, relative=True)),
        HIGHER,
        "pass",
        "code lexical drop 17.3% <= 30% (dpo)",
    ),
    "a drop beyond the budget, within noise": (
        BASE,
        WORSE,
        Budget(max_drop=Change(0.17, relative=True)),
        HIGHER,
        "unclear",
        "code lexical drop 17.3% > 17% (dpo)",
    ),
    "a gain is no drop": (
        WORSE,
        BASE,
        Budget(max_drop=Change(0.0, relative=False)),
        HIGHER,
        "pass",
        "code lexical drop -0.0963 <= 0 (dpo)",
    ),
    "a gain beyond max_rise": (
        WORSE,
        BASE,
        Budget(max_rise=Change(0.02, relative=False)),
        HIGHER,
        "fail",
        "code lexical rise 0.0963 > 0.02 (dpo)",
    ),
    "where lower is better, a higher value is a drop": (
        WORSE,
        BASE,
        Budget(max_drop=Change(0.02, relative=False)),
        LOWER,
        "fail",
        "code lexical drop 0.0963 > 0.02 (dpo)",
    ),
    "where lower is better, a lower value is a rise": (
        BASE,
        WORSE,
        Budget(max_rise=Change(0.02, relative=False)),
        LOWER,
        "fail",
        "code lexical rise 0.0963 > 0.02 (dpo)",
    ),
    "no change at all": (
        BASE,
        BASE,
        Budget(max_drop=Change(0.0, relative=True)),
        HIGHER,
        "pass",
        "code lexical drop 0.0% <= 0% (dpo)",
    ),
    "from zero": (
        [0.0] * 6,
        [0.0] * 6,
        Budget(max_drop=Change(0.1, relative=True)),
        HIGHER,
        "pass",
        "code lexical drop 0.000 <= 10% (dpo)",
    ),
    "the reference is undefined": (
        [],
        WORSE,
        Budget(max_drop=Change(0.1, relative=True)),
        HIGHER,
        "undefined",
        "code lexical undefined vs base (dpo)",
    ),
}


@pytest.mark.parametrize("case", CHANGES)
def test_changes(case: str) -> None:
    """A change is paired by prompt, in the direction of the metric."""
    before, after, budget, metric, status, headline = CHANGES[case]
    verdict = compared(before, after, budget, metric)
    assert (verdict.status, verdict.headline) == (status, headline)


UNIT = st.floats(0.01, 1.0)


@given(st.lists(st.tuples(UNIT, UNIT), min_size=2, max_size=12), st.floats(0, 1))
def test_a_relative_change_is_a_contrast(pairs: list[tuple[float, float]], share: float) -> None:
    """It fails exactly where the paired test of (1 - share) * before - after rejects."""
    before, after = zip(*pairs, strict=True)
    verdict = compared(before, after, Budget(max_drop=Change(share, relative=True)))
    excess = [b - a - share * b for b, a in pairs]
    missed = Mean.of(excess).value > 0
    rejected = len(pairs) >= 6 and paired_p(excess) <= ALPHA
    expected = ("fail" if rejected else "unclear") if missed else "pass"
    assert verdict.status == expected


def test_only_prompts_of_both_sides_are_paired() -> None:
    """A prompt that is undefined on one side takes no part in the comparison."""
    reference = Comparison("base", estimated(BASE), estimated(WORSE[:6]))
    budget = Budget(max_drop=Change(0.02, relative=False))
    verdict = judge(reference.after, budget, reference=reference)
    assert any("over 6 prompts" in line for line in verdict.details)


def test_a_change_is_told_also_where_it_is_allowed() -> None:
    """Its direction is that of the numbers, and it is over the prompts of both sides."""
    before = [*LEVEL, 0.9]
    verdict = compared(
        before, [one + 0.05 for one in LEVEL], Budget(max_drop=Change(0.1, relative=False))
    )
    change = verdict.change
    assert (verdict.status, change is not None) == ("pass", True)
    assert change is not None
    assert change.reference == "base"
    assert change.before == pytest.approx(Mean.of(LEVEL).value)
    assert (change.value, change.low, change.high) == pytest.approx((0.05, 0.05, 0.05))
    assert change.per_prompt == pytest.approx(dict.fromkeys([f"p{i}" for i in range(8)], 0.05))


MOVED = [0.40, 0.44, 0.41, 0.41, 0.29, 0.38, 0.42, 0.40]  # p2 rose, p4 fell
WORST: Mapping[str, tuple[Budget, str]] = {
    "the one that lost most": (Budget(max_drop=Change(0.01, relative=False)), "p4"),
    "the one that gained most": (Budget(max_rise=Change(0.01, relative=False)), "p2"),
    "the lowest": (Budget(min=0.5), "p4"),
    "the highest": (Budget(max=0.1), "p1"),
}


@pytest.mark.parametrize("case", WORST)
def test_the_worst_prompt(case: str) -> None:
    """It is the one that the budget guards against."""
    budget, prompt = WORST[case]
    assert compared(LEVEL, MOVED, budget).worst == prompt


def test_the_reference_is_not_compared_with_itself() -> None:
    """It keeps its level budgets; its changes are left out and the table says why."""
    budget = Budget(max_drop=Change(0.1, relative=True), reference="base")
    verdict = judge(estimated(LEVEL), budget, checkpoint="base")
    assert (verdict.status, verdict.budget) == ("pass", "the reference")
    budget = Budget(min=0.5, max_drop=Change(0.1, relative=True), reference="base")
    verdict = judge(estimated(LEVEL), budget, checkpoint="base")
    assert (verdict.status, verdict.headline) == ("fail", "code lexical 0.400 < 0.500 (base)")


def test_without_a_reference_a_change_is_undefined() -> None:
    """A comparison with nothing never passes."""
    budget = Budget(max_drop=Change(0.1, relative=True))
    verdict = judge(estimated(LEVEL), budget)
    assert verdict.status == "undefined"
    assert "there is no reference to compare with" in verdict.message


def test_evidence_is_not_asked_for_when_it_passed() -> None:
    """Looking for evidence costs time, and nobody reads it under a pass."""

    def ask(high: bool) -> Sequence[str]:  # noqa: ARG001, FBT001 - as `decide` asks
        raise AssertionError

    assert judge(estimated(LEVEL), Budget(min=0.1), evidence=ask).status == "pass"


def test_an_undefined_metric_says_why() -> None:
    """The reason stands in the message and in the summary's notes."""
    verdict = judge(estimated([], reason="running programs is off"), Budget(min=0.1))
    assert "running programs is off" in verdict.message
    assert verdict.notes == ("running programs is off",)


NAMES = st.text(max_size=90)


@given(NAMES, NAMES, st.sampled_from(sorted(set(CHANGES) - {"the reference is undefined"})))
def test_the_headline_fits_one_line(domain: str, checkpoint: str, case: str) -> None:
    """It is a single line of at most 60 characters with all numbers, whatever the names."""
    before, after, budget, metric, _, headline = CHANGES[case]
    now = estimated(after, metric, domain=domain)
    reference = Comparison(checkpoint, estimated(before, metric), now)
    verdict = decide(Gate(checkpoint, domain, "syntactic", budget), now, reference=reference)
    assert verdict.headline.partition(" syntactic ")[2].startswith(
        headline[len("code lexical ") : -6]
    )
    assert len(verdict.headline) <= 60
    assert len(verdict.headline.splitlines()) == 1


@pytest.mark.parametrize(
    ("low", "bound", "status"),
    [(0.1, 0.3, "fail"), (0.29, 0.3, "unclear"), (0.5, 0.3, "pass")],
    ids=["clearly below", "below, and not surely", "above"],
)
def test_the_worst_group_is_held(low: float, bound: float, status: str) -> None:
    """A budget can hold the lowest group, whatever the mean over all prompts is."""
    values = {f"a{i}": 0.9 + 0.01 * (i % 3) for i in range(6)}
    values |= {f"b{i}": low + 0.03 * (i % 3 - 1) for i in range(6)}
    group_of = {name: name[0] for name in values}
    groups = {"a": 0.91, "b": low}
    measured = replace(
        estimated(list(values.values())), per_prompt=values, groups=groups, group_of=group_of
    )
    verdict = judge(measured, Budget(worst_group_min=bound), checkpoint="m")
    assert verdict.status == status
    assert "worst group" in verdict.headline
    assert any("lowest group 'b', 6 prompts" in line for line in verdict.details)


def test_a_worst_group_needs_groups() -> None:
    """Prompts without groups have no lowest one: undefined, never a pass."""
    verdict = judge(estimated([0.5] * 6), Budget(worst_group_min=0.1))
    assert verdict.status == "undefined"
