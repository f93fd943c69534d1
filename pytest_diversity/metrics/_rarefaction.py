"""Drawing without replacement: the hypergeometric chance to miss a class."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import gammaln

__all__ = ["expected_classes", "log_missing"]


def log_missing(total: ArrayLike, count: ArrayLike, drawn: ArrayLike) -> NDArray[np.float64]:
    """The logarithm of C(total - count, drawn) / C(total, drawn), elementwise; -inf if that is 0.

    The probability that `drawn` of `total` items, drawn without replacement, have none of the
    `count` items of a class. It takes no binomials, which would be too large to hold.
    """
    total, count, drawn = np.broadcast_arrays(total, count, drawn)
    left = total - drawn
    possible = count <= left
    others = np.where(possible, left - count, 0)
    value = gammaln(total - count + 1) + gammaln(left + 1) - gammaln(total + 1)
    result: NDArray[np.float64] = np.where(possible, value - gammaln(others + 1), -np.inf)
    return result


def expected_classes(counts: ArrayLike, total: int, drawn: int) -> float:
    """How many classes are expected among `drawn` of `total` items (Hurlbert 1971).

    Args:
        counts: Items of each class; they may sum to less than `total`.
        total: Items there are.
        drawn: Items drawn without replacement, at most `total`.
    """
    return float(-np.expm1(log_missing(total, np.asarray(counts, dtype=np.int64), drawn)).sum())
