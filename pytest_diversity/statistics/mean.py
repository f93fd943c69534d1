"""Statistics over prompts, the unit of analysis: intervals, paired tests, Holm, power.

`docs/statistics.md` says how each method was chosen, and how well it keeps what it states.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import optimize, special, stats

__all__ = [
    "EXACT",
    "FEWEST",
    "Mean",
    "effect_size",
    "holm",
    "jackknife_error",
    "paired_p",
    "power",
    "prompts_needed",
    "sign_flip",
    "smallest_detectable",
    "smallest_p",
]

EXACT = 20  # prompts up to which all sign flips are counted: a million, in some milliseconds
FEWEST = 6  # prompts below which a two-sided sign-flip test at 5 % cannot reject
_SIMULATED = 10  # prompts up to which the power of counting sign flips is not that of a t-test
_DRAWS = 4000


@dataclass(frozen=True, slots=True)
class Mean:
    """A mean over prompts with what is needed to bound it.

    Attributes:
        value: The mean.
        error: Its standard error, sd / sqrt(n); None with fewer than two values.
        count: n, the number of prompts.
        bounded: Whether no value can lie outside [0, 1]. The bounds are then Student's on the logit
            scale: with few prompts near an end the plain ones miss too often, on one side.
    """

    value: float
    error: float | None
    count: int
    bounded: bool = False

    @classmethod
    def of(cls, values: Sequence[float], *, bounded: bool = False) -> Mean:
        """The mean of at least one value.

        Args:
            values: One for each prompt.
            bounded: Whether none can lie outside [0, 1].
        """
        array = np.asarray(values, dtype=np.float64)
        size = len(array)
        error = float(array.std(ddof=1)) / math.sqrt(size) if size > 1 else None
        return cls(float(array.mean()), error, size, bounded)

    def interval(self, confidence: float = 0.95) -> tuple[float, float] | None:
        """The two-sided interval at `confidence`; None with fewer than two values."""
        quantile = (1 + confidence) / 2
        if self.error is None:
            return None
        return self.lower(quantile), self.upper(quantile)

    def lower(self, confidence: float = 0.95) -> float:
        """The one-sided lower bound; the mean itself where one value leaves nothing to estimate."""
        return self._moved(-self._quantile(confidence))

    def upper(self, confidence: float = 0.95) -> float:
        """The one-sided upper bound; the mean itself where one value leaves nothing to estimate."""
        return self._moved(self._quantile(confidence))

    def p_below(self, bound: float) -> float:
        """The one-sided p-value against "the true mean is `bound` or more": small if it is less."""
        return self._tail(self._distance(bound))

    def p_above(self, bound: float) -> float:
        """The one-sided p-value against "the true mean is `bound` or less": small if it is more."""
        return self._tail(-self._distance(bound))

    def _tail(self, distance: float) -> float:
        if math.isinf(distance):
            return float(distance > 0)
        return float(special.stdtr(max(1, self.count - 1), distance))

    def _quantile(self, confidence: float) -> float:
        return float(special.stdtrit(self.count - 1, confidence)) if self.error else 0.0

    def _moved(self, errors: float) -> float:
        """The value that lies so many standard errors above the mean."""
        if not self.error or not errors:
            return self.value
        if not self._on_logit_scale:
            return self.value + errors * self.error
        spread = self.error / (self.value * (1 - self.value))
        return float(special.expit(special.logit(self.value) + errors * spread))

    def _distance(self, bound: float) -> float:
        """How many standard errors the mean lies above `bound`; infinitely many without spread."""
        if not self.error:
            return 0.0 if self.value == bound else math.copysign(math.inf, self.value - bound)
        if not self._on_logit_scale:
            return (self.value - bound) / self.error
        spread = self.error / (self.value * (1 - self.value))
        inside = min(max(bound, 0.0), 1.0)
        return float(special.logit(self.value) - special.logit(inside)) / spread

    @property
    def _on_logit_scale(self) -> bool:
        return self.bounded and 0 < self.value < 1


def sign_flip(differences: Sequence[float], *, two_sided: bool = False) -> float:
    """The exact p-value of the sign-flip test that the mean difference is above 0.

    Under "nothing changed" each prompt's difference is as likely to have the other sign: the share
    of the 2^n ways to choose signs whose sum is at least as large as that observed.

    Args:
        differences: n paired differences, n <= 20.
        two_sided: Count sums that are as far from 0 on either side.

    Returns:
        A multiple of 2^-n, in (0, 1].
    """
    if two_sided:
        above, equal = _flips(np.abs(differences), abs(float(np.sum(differences))))
        return min(1.0, 2 * (above + equal))
    return sum(_flips(np.abs(differences), float(np.sum(differences))))


def _flips(sizes: NDArray[np.float64], observed: float) -> tuple[float, float]:
    """The shares of all ways to choose signs with a sum above that observed, and equal to it."""
    sums = np.zeros(1)
    for size in sizes:
        sums = np.concatenate([sums + size, sums - size])
    rounding = 1e-12 * float(sizes.sum())  # sums that only rounding tells apart are equal
    above = float(np.mean(sums > observed + rounding))
    return above, float(np.mean(sums >= observed - rounding)) - above


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


def smallest_p(count: int) -> float:
    """The smallest p-value that counting sign flips gives, two-sided: .03125 for six prompts."""
    return min(1.0, 2.0 ** (1 - count))


def holm(p_values: Sequence[float]) -> list[float]:
    """Adjusted p-values, in order: rejecting those <= a errs anywhere with probability <= a.

    Source: Holm 1979. Any p-value may be replaced by a larger one: the others only grow.
    """
    adjusted = [0.0] * len(p_values)
    highest = 0.0
    for rank, index in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        highest = max(highest, (len(p_values) - rank) * p_values[index])
        adjusted[index] = min(1.0, highest)
    return adjusted


def effect_size(differences: Sequence[float]) -> float | None:
    """Cohen's d_z: the mean paired difference in units of its spread; None without any spread."""
    mean = Mean.of(differences)
    return mean.value / (mean.error * math.sqrt(mean.count)) if mean.error else None


def jackknife_error(left_out: ArrayLike) -> float:
    """The standard error of a value, from its values with each of K samples left out once.

    Samples of a prompt are never drawn again with replacement: copies would look like a collapse.
    """
    values = np.asarray(left_out, dtype=np.float64)
    size = len(values)
    return math.sqrt((size - 1) / size * float(((values - values.mean()) ** 2).sum()))


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
        drawn = _standard(count) + change / spread
        return float(np.mean(_p_values(drawn) <= alpha))
    threshold = float(stats.t.ppf(1 - alpha, count - 1))
    return float(stats.nct.sf(threshold, count - 1, change / spread * math.sqrt(count)))


def smallest_detectable(
    error: float, count: int, *, alpha: float = 0.05, wanted: float = 0.8
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
    if change <= 0 or power(change, spread, high, alpha=alpha) < 0.8:
        return None
    while low < high:
        middle = (low + high) // 2
        enough = power(change, spread, middle, alpha=alpha) >= 0.8
        low, high = (low, middle) if enough else (middle + 1, high)
    return low


@lru_cache(maxsize=256)
def _standardised(count: int, alpha: float, wanted: float) -> float:
    """The change, in standard deviations, that is found with the wanted power."""

    def missing(change: float) -> float:
        return power(change, 1.0, count, alpha=alpha) - wanted

    high = 1.0
    while missing(high) < 0 and high < 1e4:
        high *= 2
    return float(optimize.brentq(missing, 0.0, high, xtol=1e-6)) if high < 1e4 else math.inf


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
