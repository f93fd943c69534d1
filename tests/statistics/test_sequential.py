"""Looking in steps errs no more often than looking once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pytest
from scipy import stats

from pytest_diversity.statistics.sequential import counts, levels

COUNTS: Mapping[int, Sequence[int]] = {32: [8, 16, 32], 16: [4, 8, 16], 8: [4, 8], 4: [4], 2: [2]}


@pytest.mark.parametrize("samples", COUNTS)
def test_looks_grow_to_all_samples(samples: int) -> None:
    """A quarter, a half, all; never fewer than four, never more than there are."""
    assert counts(samples) == COUNTS[samples]


SHARES: Sequence[tuple[float, ...]] = [(0.25, 0.5, 1.0), (0.5, 1.0), (1.0,)]


@pytest.mark.parametrize("shares", SHARES)
@pytest.mark.parametrize("alpha", [0.05, 0.01])
def test_all_looks_together_keep_the_rate(shares: tuple[float, ...], alpha: float) -> None:
    """Simulated sums that grow from look to look cross any threshold with the stated rate."""
    steps = np.diff([0.0, *shares])
    drawn = np.random.default_rng(0).normal(size=(200_000, len(steps))) * np.sqrt(steps)
    p = stats.norm.sf(drawn.cumsum(axis=1) / np.sqrt(shares))
    rejected = (p <= np.array(levels(alpha, shares))).any(axis=1).mean()
    assert rejected == pytest.approx(alpha, abs=4 * np.sqrt(alpha / 200_000))


def test_a_single_look_has_the_whole_rate() -> None:
    """Nothing is spent before."""
    assert levels(0.05, (1.0,)) == pytest.approx((0.05,), abs=1e-4)


def test_the_first_look_spends_what_the_spending_function_says() -> None:
    """Lan and DeMets's function in the manner of Pocock, at a quarter of the samples."""
    assert levels(0.05, (0.25, 1.0))[0] == pytest.approx(
        0.05 * np.log(1 + (np.e - 1) / 4), abs=1e-4
    )
