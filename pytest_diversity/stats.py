"""Statistics over prompts, the unit of analysis: intervals, one-sided bounds, paired contrasts."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

__all__ = ["Mean", "smallest_detectable"]


@dataclass(frozen=True, slots=True)
class Mean:
    """A mean over prompts with what is needed to bound it by Student's t.

    Attributes:
        value: The mean.
        error: Its standard error, sd / sqrt(n); None with fewer than two values.
        count: n, the number of prompts.
    """

    value: float
    error: float | None
    count: int

    @classmethod
    def of(cls, values: Sequence[float]) -> Mean:
        """The mean of at least one value."""
        array = np.asarray(values, dtype=np.float64)
        size = len(array)
        error = float(array.std(ddof=1)) / math.sqrt(size) if size > 1 else None
        return cls(float(array.mean()), error, size)

    def interval(self, confidence: float = 0.95) -> tuple[float, float] | None:
        """The two-sided interval at `confidence`; None with fewer than two values."""
        half = self._half((1 + confidence) / 2)
        return None if half is None else (self.value - half, self.value + half)

    def lower(self, confidence: float = 0.95) -> float:
        """The one-sided lower bound; the mean itself where one value leaves nothing to estimate."""
        return self.value - (self._half(confidence) or 0.0)

    def upper(self, confidence: float = 0.95) -> float:
        """The one-sided upper bound; the mean itself where one value leaves nothing to estimate."""
        return self.value + (self._half(confidence) or 0.0)

    def _half(self, quantile: float) -> float | None:
        if self.error is None:
            return None
        return float(stats.t.ppf(quantile, self.count - 1)) * self.error


def smallest_detectable(
    error: float, count: int, *, alpha: float = 0.05, power: float = 0.8
) -> float:
    """The smallest true change of a mean that a one-sided t-test finds with `power`.

    Args:
        error: Standard error of the mean (paired) difference.
        count: Number of prompts, at least two.
        alpha: One-sided false-alarm rate.
        power: Probability of finding it.
    """
    quantiles = [float(stats.t.ppf(share, count - 1)) for share in (1 - alpha, power)]
    return sum(quantiles) * error
