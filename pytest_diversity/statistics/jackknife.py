"""The jackknife: what each unit contributes to a value that all of them have together.

Tukey (1958); by groups, Kott (2001). `docs/statistics.md` says how well its intervals hold.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

__all__ = ["GROUPS", "contributions", "jackknife_error", "taken_in_turn"]

GROUPS = 40  # left out at most: the value is computed once for each of them


def taken_in_turn(units: Sequence[str]) -> list[tuple[str, ...]]:
    """At most `GROUPS` groups of units, each unit alone where there are no more: left out in turn.

    By name, so that two sides with the same units have the same groups.
    """
    ordered = sorted(units)
    count = min(GROUPS, len(ordered))
    return [tuple(ordered[start::count]) for start in range(count)]


def contributions(whole: float, left_out: Sequence[float]) -> list[float]:
    """What each of G groups contributes to a value: pseudo-values, moved so that it is their mean.

    Their standard error is that of the jackknife, whether the groups are single units or not, and
    those of two values, paired by group, are those of the difference.

    Args:
        whole: The value of all units.
        left_out: The value without each of the groups.
    """
    mean = sum(left_out) / len(left_out)
    return [whole + (len(left_out) - 1) * (mean - one) for one in left_out]


def jackknife_error(left_out: ArrayLike) -> float:
    """The standard error of a value, from its values with each of K samples left out once.

    Samples of a prompt are never drawn again with replacement: copies would look like a collapse.
    """
    values = np.asarray(left_out, dtype=np.float64)
    size = len(values)
    return math.sqrt((size - 1) / size * float(((values - values.mean()) ** 2).sum()))
