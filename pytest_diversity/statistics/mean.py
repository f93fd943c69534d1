"""A mean over prompts, the unit of analysis, with what is needed to bound it.

`docs/statistics.md` says how each method was chosen, and how well it keeps what it states.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import special

__all__ = ["Mean"]


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
