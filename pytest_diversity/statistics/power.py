"""What a gate can find: the power of the paired test, and what it takes."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy import special

from pytest_diversity.statistics.paired import FEWEST

__all__ = ["WANTED", "power", "prompts_needed", "smallest_detectable"]

WANTED = 0.8  # the power that a gate is said to find a change with
_SIMULATED = 10  # prompts up to which the power of counting sign flips is not that of a t-test
_DRAWS = 4000
_FAR = 1e6  # standard deviations beyond which the digits of the draws are lost, and nothing changes
_HOPELESS = 1e4  # standard deviations that no gate could call a change
_PRECISE = 1e-6  # of them
_DIGITS = 3  # of an effect whose power is simulated, so that near ones are simulated once
_CERTAIN = 25.0  # standard errors beyond which the noncentral t has no digits left


def power(change: float, spread: float, count: int, *, alpha: float = 0.05) -> float:
    """The probability that `paired_p` finds a true change, from 0 to 1.

    Args:
        change: The true mean difference, above 0.
        spread: The standard deviation of the paired differences over prompts, above 0.
        count: Number of prompts, at least two.
        alpha: One-sided false-alarm rate.
    """
    if count < FEWEST or spread <= 0:
        return float(change > 0 and count >= FEWEST)
    if count <= _SIMULATED:
        return _simulated(round(min(change / spread, _FAR), _DIGITS), count, alpha)
    threshold = float(special.stdtrit(count - 1, 1 - alpha))
    shift = change / spread * math.sqrt(count)
    if shift - threshold > _CERTAIN:
        return 1.0
    # the noncentral t of scipy.stats, which takes longer to load than everything else together
    return 1 - float(special.nctdtr(count - 1, shift, threshold))


def smallest_detectable(
    error: float, count: int, *, alpha: float = 0.05, wanted: float = WANTED
) -> float:
    """The smallest true change of a mean that `paired_p` finds with the `wanted` power.

    Args:
        error: Standard error of the mean (paired) difference.
        count: Number of prompts, at least two.
        alpha: One-sided false-alarm rate.
        wanted: Probability of finding it.
    """
    if count < FEWEST:
        return math.inf
    return error * math.sqrt(count) * _standardised(count, alpha, wanted)


def prompts_needed(
    change: float, spread: float, *, alpha: float = 0.05, most: int = 100_000
) -> int | None:
    """How many prompts find `change` with 80 % power; None if `most` of them do not.

    Args:
        change: The true mean difference.
        spread: The standard deviation of the paired differences.
        alpha: One-sided false-alarm rate.
        most: Where to give up.
    """
    low, high = FEWEST, most
    if change <= 0 or power(change, spread, high, alpha=alpha) < WANTED:
        return None
    while low < high:
        middle = (low + high) // 2
        enough = power(change, spread, middle, alpha=alpha) >= WANTED
        low, high = (low, middle) if enough else (middle + 1, high)
    return low


@lru_cache(maxsize=256)
def _standardised(count: int, alpha: float, wanted: float) -> float:
    """The change, in standard deviations, that is found with the wanted power."""

    def enough(change: float) -> bool:
        return power(change, 1.0, count, alpha=alpha) >= wanted

    low, high = 0.0, 1.0
    while not enough(high):
        low, high = high, 2 * high
        if high >= _HOPELESS:
            return math.inf
    while high - low > _PRECISE:
        middle = (low + high) / 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high


@lru_cache(maxsize=4096)
def _simulated(effect: float, count: int, alpha: float) -> float:
    """The power at a change of `effect` standard deviations."""
    return float(np.mean(_p_values(_standard(count) + effect) <= alpha))


@lru_cache(maxsize=16)
def _standard(count: int) -> NDArray[np.float64]:
    """Standard normal draws, the same in every run."""
    return np.random.default_rng(0).standard_normal((_DRAWS, count))


def _p_values(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """`paired_p` of each row, for at most 10 columns."""
    count = rows.shape[1]
    signs = 1 - 2 * ((np.arange(2**count)[:, None] >> np.arange(count)) & 1)
    sums = rows.sum(axis=1)
    above = np.mean(np.abs(rows) @ signs.T > sums[:, None] + 1e-12, axis=1)
    errors = rows.std(axis=1, ddof=1) / math.sqrt(count)
    t = special.stdtr(count - 1, -rows.mean(axis=1) / errors)
    least = 2.0**-count  # of normal draws no two sums are equal
    result: NDArray[np.float64] = np.where(above > 0, above + least / 2, np.minimum(least, t))
    return result
