"""Paired differences of prompts: exact sign flips, Student's t, effect size."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from pytest_diversity.statistics.mean import Mean

__all__ = ["EXACT", "FEWEST", "effect_size", "paired_p"]

EXACT = 20  # prompts up to which all sign flips are counted: a million, in some milliseconds
FEWEST = 6  # prompts below which a two-sided sign-flip test at 5 % cannot reject


def paired_p(excess: Sequence[float]) -> float:
    """The one-sided p-value that paired differences are above 0 on average.

    Up to 20 prompts by counting all sign flips; ties count half, since with many of them, as
    metrics of few values have, the exact p-value is too large. Counting knows nothing below 2^-n:
    where all prompts moved the same way, Student's t says how far below. Above 20 prompts,
    Student's t.

    Args:
        excess: What each prompt lost beyond what the budget allows.
    """
    count = len(excess)
    t = Mean.of(excess).p_above(0.0) if count > 1 else 1.0
    if count > EXACT:
        return t
    above, equal = _flips(np.abs(excess), float(np.sum(excess)))
    return min(equal, t) if above + equal <= 2.0**-count else above + equal / 2


def _flips(sizes: NDArray[np.float64], observed: float) -> tuple[float, float]:
    """The shares of all ways to choose signs with a sum above that observed, and equal to it.

    Under "nothing changed" each prompt's difference is as likely to have the other sign: together
    they are the exact p-value of the sign-flip test that the mean difference is above 0.
    """
    sums = np.zeros(1)
    for size in sizes:
        sums = np.concatenate([sums + size, sums - size])
    rounding = 1e-12 * float(sizes.sum())  # sums that only rounding tells apart are equal
    above = float(np.mean(sums > observed + rounding))
    return above, float(np.mean(sums >= observed - rounding)) - above


def effect_size(differences: Sequence[float]) -> float | None:
    """Cohen's d_z: the mean paired difference in units of its spread; None without any spread."""
    mean = Mean.of(differences)
    return mean.value / (mean.error * math.sqrt(mean.count)) if mean.error else None
