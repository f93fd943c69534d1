"""Statistics over prompts: golden values of metrics.md, section 6, and what must always hold."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from pytest_diversity.statistics.mean import Mean
from pytest_diversity.statistics.paired import paired_p
from pytest_diversity.statistics.power import smallest_detectable

BEFORE = [0.40, 0.35, 0.50, 0.45, 0.38, 0.42]
AFTER = [0.30, 0.33, 0.41, 0.37, 0.31, 0.43]
LOSSES = [before - after for before, after in zip(BEFORE, AFTER, strict=True)]

VALUES = st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=20)


def test_the_paired_example() -> None:
    """Mean difference, standard error and interval are those of the worked example."""
    mean = Mean.of(LOSSES)
    assert mean.value == pytest.approx(0.058333, abs=5e-7)
    assert mean.error == pytest.approx(0.017780, abs=5e-7)
    assert mean.interval() == pytest.approx((0.012630, 0.104037), abs=5e-7)
    assert mean.count == 6


@pytest.mark.parametrize("confidence", [0.8, 0.95, 0.99])
def test_bounds_agree_with_the_t_test(confidence: float) -> None:
    """The one-sided bounds are those of SciPy's one-sided t-tests."""
    mean = Mean.of(LOSSES)
    below = stats.ttest_1samp(LOSSES, 0, alternative="greater").confidence_interval(confidence)
    above = stats.ttest_1samp(LOSSES, 0, alternative="less").confidence_interval(confidence)
    assert mean.lower(confidence) == pytest.approx(below.low)
    assert mean.upper(confidence) == pytest.approx(above.high)


def test_one_value_has_no_interval() -> None:
    """With a single prompt nothing can be estimated beside the value itself."""
    mean = Mean.of([0.3])
    assert mean == Mean(0.3, None, 1)
    assert mean.interval() is None
    assert (mean.lower(), mean.upper()) == (0.3, 0.3)


def test_equal_values_have_an_interval_of_no_width() -> None:
    """Without any spread the bounds are the value."""
    assert Mean.of([0.25] * 5).interval() == (0.25, 0.25)


@given(VALUES)
def test_bounds_enclose_the_mean(values: list[float]) -> None:
    """One-sided bounds lie within the two-sided interval, and both around the mean."""
    mean = Mean.of(values)
    interval = mean.interval()
    assert interval is not None
    points = [interval[0], mean.lower(), mean.value, mean.upper(), interval[1]]
    assert points == sorted(points)


@given(VALUES)
def test_negation_mirrors_the_bounds(values: list[float]) -> None:
    """A drop and a rise are judged alike: the bounds of -x are the mirrored bounds of x."""
    mean, mirrored = Mean.of(values), Mean.of([-value for value in values])
    assert mirrored.lower() == pytest.approx(-mean.upper())


def test_the_smallest_detectable_change_is_found_four_times_in_five() -> None:
    """Simulated experiments with exactly that change reject at the promised power."""
    prompts, spread = 12, 0.1
    change = smallest_detectable(spread / math.sqrt(prompts), prompts)
    drawn = np.random.default_rng(0).normal(change, spread, (4000, prompts))
    found = np.mean([paired_p(row.tolist()) <= 0.05 for row in drawn])
    assert found == pytest.approx(0.8, abs=0.04)
