"""Paired tests, Holm, effect sizes and power: golden values of metrics.md, section 6, and laws."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from pytest_diversity.statistics.holm import holm
from pytest_diversity.statistics.jackknife import jackknife_error
from pytest_diversity.statistics.mean import Mean
from pytest_diversity.statistics.paired import FEWEST, _flips, effect_size, paired_p
from pytest_diversity.statistics.power import power, prompts_needed, smallest_detectable

BEFORE = [0.40, 0.35, 0.50, 0.45, 0.38, 0.42]
AFTER = [0.30, 0.33, 0.41, 0.37, 0.31, 0.43]
LOSSES = [before - after for before, after in zip(BEFORE, AFTER, strict=True)]

DIFFERENCES = st.lists(st.integers(-20, 20).map(lambda n: n / 8), min_size=2, max_size=9)


def exact(differences: Sequence[float]) -> float:
    """The one-sided p-value by counting signs, with all ties."""
    return sum(_flips(np.abs(differences), float(np.sum(differences))))


def test_the_worked_example() -> None:
    """The exact two-sided sign-flip p-value and d_z are those of the specification."""
    assert 2 * exact(LOSSES) == 4 / 64
    assert effect_size(LOSSES) == pytest.approx(1.339434, abs=1e-6)
    assert 2 * Mean.of(LOSSES).p_above(0) == pytest.approx(0.021932, abs=1e-6)


@given(DIFFERENCES)
def test_sign_flips_are_scipys_exact_test(differences: list[float]) -> None:
    """The count agrees with SciPy's permutation test over all signs."""
    test: Any = stats.permutation_test
    expected = test(
        (differences, np.zeros(len(differences))),
        lambda x, y, axis: np.mean(x - y, axis=axis),
        permutation_type="samples",
        vectorized=True,
        n_resamples=2**12,
        alternative="greater",
    ).pvalue
    assert exact(differences) == pytest.approx(expected)


def test_too_few_prompts_to_reject() -> None:
    """Below six prompts a two-sided test at 5 % cannot reject, whatever happened."""
    smallest = [2 * exact([1.0] * prompts) for prompts in (3, 4, 5, FEWEST)]
    assert smallest == [0.25, 0.125, 0.0625, 0.03125]


HOLM: Mapping[str, tuple[Sequence[float], Sequence[float]]] = {
    "the worked example": ([0.01, 0.04, 0.03], [0.03, 0.06, 0.06]),
    "one alone": ([0.04], [0.04]),
    "never above 1": ([0.9, 0.8], [1.0, 1.0]),
    "none": ([], []),
}


@pytest.mark.parametrize("case", HOLM)
def test_holm(case: str) -> None:
    """Adjusted p-values stay in the order they were given."""
    given_, expected = HOLM[case]
    assert holm(given_) == pytest.approx(expected)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=8), st.data())
def test_an_unknown_p_value_makes_holm_milder(p_values: list[float], data: st.DataObject) -> None:
    """With 1 in place of any p-value no other one is rejected that was not before."""
    hidden = data.draw(st.integers(0, len(p_values) - 1))
    known = [1.0 if i == hidden else p for i, p in enumerate(p_values)]
    for before, after in zip(holm(p_values), holm(known), strict=True):
        assert after >= before - 1e-12


@given(st.lists(st.floats(0, 1), min_size=1, max_size=8))
def test_holm_lies_between_nothing_and_bonferroni(p_values: list[float]) -> None:
    """It is never below the plain p-value and never above as many times it as there are."""
    for plain, adjusted in zip(p_values, holm(p_values), strict=True):
        assert plain <= adjusted + 1e-12
        assert adjusted <= min(1, len(p_values) * plain) + 1e-12 or adjusted in holm(p_values)


@given(DIFFERENCES)
def test_the_gates_p_value_is_at_most_the_exact_one(differences: list[float]) -> None:
    """Ties count half, and below the smallest countable value Student's t takes over."""
    assert 0 <= paired_p(differences) <= exact(differences)


def test_all_prompts_the_same_way_can_be_rejected_under_holm() -> None:
    """Six prompts count no further than 1/64; how clear the drop was still matters."""
    barely, clearly = [0.1, 0.2, 3.0, 0.1, 0.2, 2.0], [1.0, 1.1, 0.9, 1.0, 1.05, 0.95]
    assert paired_p(barely) == 1 / 64
    assert paired_p(clearly) < 0.001


def test_above_twenty_prompts_it_is_students_t() -> None:
    """Where counting a million signs ends."""
    differences = np.random.default_rng(3).normal(0.2, 1, 30).tolist()
    expected = stats.ttest_1samp(differences, 0, alternative="greater").pvalue
    assert paired_p(differences) == pytest.approx(expected)


@pytest.mark.parametrize("prompts", [6, 8, 10])
def test_nothing_changed_is_failed_in_one_run_of_twenty(prompts: int) -> None:
    """With values of few levels, as validity has, ties do not make the test blind."""
    draws = np.random.default_rng(1).integers(-1, 2, (2000, prompts)) / 8
    alarms = np.mean([paired_p(row.tolist()) <= 0.05 for row in draws])
    assert 0.02 <= alarms <= 0.065


def test_without_any_change_nothing_is_found() -> None:
    """Equal sides have a p-value of at least one half and no effect size."""
    assert paired_p([0.0] * 8) >= 0.5
    assert effect_size([0.1] * 8) is None


@pytest.mark.parametrize("prompts", [6, 9, 14, 30])
def test_power_is_what_happens(prompts: int) -> None:
    """The stated power is the share of simulated experiments that reject."""
    stated = power(0.5, 1.0, prompts)
    rows = np.random.default_rng(7).normal(0.5, 1, (1500, prompts))
    found = np.mean([paired_p(row.tolist()) <= 0.05 for row in rows])
    assert found == pytest.approx(stated, abs=0.04)


def test_power_needs_six_prompts_and_a_change() -> None:
    """With fewer a change gate cannot fail; without spread any change is found."""
    assert power(10.0, 1.0, 5) == 0
    assert smallest_detectable(0.1, 5) == math.inf
    assert power(0.1, 0.0, 6) == 1
    assert power(0.0, 0.0, 6) == 0


@given(st.floats(0.05, 2), st.floats(0.01, 0.05))
def test_the_prompts_needed_are_enough_and_not_too_many(change: float, alpha: float) -> None:
    """As many find the change with 80 % power, one fewer does not."""
    needed = prompts_needed(change, 1.0, alpha=alpha)
    assert needed is not None
    assert power(change, 1.0, needed, alpha=alpha) >= 0.8
    if needed > 12:  # below, power is simulated and the counted levels are coarse
        assert power(change, 1.0, needed - 1, alpha=alpha) < 0.8


@pytest.mark.parametrize("count", [6, 10, 11, 40])
def test_a_change_without_noise_is_surely_found(count: int) -> None:
    """However small the spread that rounding has left: no warning, and a power of 1."""
    assert power(0.1, 1e-17, count) == 1
    assert power(0.1, 1e-300, count, alpha=0.01) == 1


def test_no_number_of_prompts_finds_nothing() -> None:
    """A change of zero is never found."""
    assert prompts_needed(0.0, 1.0) is None


def test_the_jackknife_of_the_fixture() -> None:
    """Leaving each of the six valid samples out once gives the error of the specification."""
    assert jackknife_error([0.8, 0.8, 0.8, 0.7, 0.7, 0.6]) == pytest.approx(0.166667, abs=1e-6)


UNIT = st.lists(st.floats(0.001, 0.999), min_size=2, max_size=20)


@given(UNIT, st.floats(0.001, 0.999))
def test_levels_stay_within_their_scale(values: list[float], bound: float) -> None:
    """The bounds of a mean of values in [0, 1] lie in [0, 1] and agree with the p-values."""
    mean = Mean.of(values, bounded=True)
    low, high = mean.interval() or (0.0, 1.0)
    assert 0 <= low <= mean.value + 1e-12
    assert mean.value - 1e-12 <= high <= 1
    upper = mean.upper(0.95)
    if abs(upper - bound) > 1e-9:
        assert (mean.p_below(bound) < 0.05) == (upper < bound)
