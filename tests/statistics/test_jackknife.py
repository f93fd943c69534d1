"""What each unit contributes to a value of all, and how well its intervals hold."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_diversity.statistics.jackknife import (
    GROUPS,
    contributions,
    jackknife_error,
    taken_in_turn,
)
from pytest_diversity.statistics.mean import Mean

VALUES = st.lists(st.floats(-1e3, 1e3), min_size=3, max_size=30)


@given(VALUES)
def test_of_a_mean_they_are_the_values(values: list[float]) -> None:
    """Leaving out one of n values moves their mean by what that value contributes."""
    total, count = sum(values), len(values)
    left_out = [(total - one) / (count - 1) for one in values]
    assert contributions(total / count, left_out) == pytest.approx(values, abs=1e-6)


@given(VALUES)
def test_their_error_is_the_jackknifes(left_out: list[float]) -> None:
    """Their mean is the value, their standard error that of the jackknife."""
    mean = Mean.of(contributions(7.0, left_out))
    assert mean.value == pytest.approx(7.0, abs=1e-6)
    assert mean.error == pytest.approx(jackknife_error(left_out), abs=1e-6)


@pytest.mark.parametrize("count", [1, 3, GROUPS, GROUPS + 1, 805])
def test_every_unit_is_left_out_once(count: int) -> None:
    """Groups are as large as each other, and the same in whatever order the units come."""
    units = [f"u{n}" for n in range(count)]
    groups = taken_in_turn(units)
    assert sorted(one for group in groups for one in group) == sorted(units)
    assert len(groups) == min(GROUPS, count)
    sizes = {len(group) for group in groups}
    assert max(sizes) - min(sizes) <= 1
    assert taken_in_turn(units[::-1]) == groups


def test_intervals_hold_what_they_cover() -> None:
    """Of the mean distance of all pairs, 95 % intervals of 25 units hold the truth about as often.

    `python -m benchmarks.across` does the same with metrics of texts.
    """
    random, held = np.random.default_rng(3), []
    for _ in range(400):
        sample = random.normal(size=25)
        distances = np.abs(sample[:, None] - sample[None])
        left = [np.delete(np.delete(distances, i, 0), i, 1).sum() / (24 * 23) for i in range(25)]
        low, high = Mean.of(contributions(distances.sum() / (25 * 24), left)).interval() or (0, 0)
        held.append(low <= 2 / np.sqrt(np.pi) <= high)
    assert 0.91 <= np.mean(held) <= 0.98
