"""Semantic diversity among the samples that pass the quality bar, and the bar itself."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Sequence

import numpy as np
from numpy.typing import ArrayLike

from pytest_diversity.metrics.registry import metric

__all__ = ["effective_pairs", "pair_semantic", "validity"]


@metric(family="quality", better="up")
def validity(valid: Sequence[bool]) -> float | None:
    """Share of valid samples, m / K; in [0, 1], higher is better. None without samples.

    Args:
        valid: For each of the K samples whether it meets the quality threshold.
    """
    return sum(map(bool, valid)) / len(valid) if len(valid) else None


@metric(family="effective", better="up")
def effective_pairs(
    labels: Sequence[Hashable], valid: Sequence[bool], distances: ArrayLike | None = None
) -> float | None:
    """Mean over all pairs of V_i V_j d(i, j): quality-aware diversity; in [0, 1], higher is better.

    The probability that two fresh samples are both valid and different: invalid samples contribute
    nothing. Unbiased in K. None if K < 2.

    Args:
        labels: The meaning of each of the K samples; equal labels mean the same. Labels of invalid
            samples are ignored.
        valid: For each sample whether it meets the quality threshold.
        distances: Shape (K, K); where meaning is continuous, d(i, j) in place of "labels differ".

    Source: Shypula et al. 2504.12522, in the K-unbiased form.
    """
    size = len(valid)
    if size < 2:
        return None
    keep = [index for index, passed in enumerate(valid) if passed]
    if distances is None:
        return _different_pairs([labels[i] for i in keep]) / (size * (size - 1) / 2)
    among = np.asarray(distances, dtype=np.float64)[np.ix_(keep, keep)]
    return float(np.triu(among, k=1).sum()) / (size * (size - 1) / 2)


@metric(family="semantic", better="up")
def pair_semantic(
    labels: Sequence[Hashable], valid: Sequence[bool], distances: ArrayLike | None = None
) -> float | None:
    """Share of pairs of *valid* samples that differ in meaning; in [0, 1], higher is more diverse.

    Unbiased in K; says nothing about validity. The per-sample mean of DARLING's partition
    diversity is the same number. None with fewer than two valid samples.

    Args:
        labels: The meaning of each of the K samples; equal labels mean the same.
        valid: For each sample whether it meets the quality threshold.
        distances: Shape (K, K); where meaning is continuous, d(i, j) in place of "labels differ".

    Source: Shypula et al. 2504.12522; DARLING 2509.02534.
    """
    effective = effective_pairs(labels, valid, distances)
    passed = sum(map(bool, valid))
    if effective is None or passed < 2:
        return None
    return effective * len(valid) * (len(valid) - 1) / (passed * (passed - 1))


def _different_pairs(labels: Sequence[Hashable]) -> float:
    """Unordered pairs with different labels, from the class counts: (m^2 - sum c^2) / 2."""
    sizes = Counter(labels).values()
    return (len(labels) ** 2 - sum(size * size for size in sizes)) / 2
