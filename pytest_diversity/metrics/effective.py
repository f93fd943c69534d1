"""Effective diversity: among the samples that pass the quality bar, the others adding nothing."""

from __future__ import annotations

from collections import Counter

import numpy as np
from numpy.typing import ArrayLike

from pytest_diversity.errors import ConfigError
from pytest_diversity.metrics._classes import Labels, Valid, class_sizes, kept, valid_of
from pytest_diversity.metrics._limits import AtLeast
from pytest_diversity.metrics._rarefaction import expected_classes
from pytest_diversity.metrics.registry import metric

__all__ = [
    "effective_distinct",
    "effective_distinct_at",
    "effective_pairs",
    "pair_semantic",
    "parameter_efficiency",
    "partition_diversity",
]


@metric(family="effective", better="up", highest=1, unbiased=True, fewest=2, quality="valid_pairs")
def effective_pairs(
    labels: Labels, valid: Valid, distances: ArrayLike | None = None
) -> float | None:
    """Mean over all pairs of V_i V_j d(i, j): quality-aware diversity; in [0, 1], higher is better.

    The probability that two fresh samples are both valid and different: invalid samples contribute
    nothing. Unbiased in K. None if K < 2.

    Args:
        labels: The meaning of each of the K samples; equal labels mean the same. Labels of invalid
            samples are ignored.
        valid: For each sample whether it meets the quality threshold.
        distances: Shape (K, K); where meaning is continuous, d(i, j) in place of "labels differ".

    Raises:
        ConfigError: The arguments are not of the same number of samples.

    Source: Shypula et al. 2504.12522, in the K-unbiased form.
    """
    size = len(valid_of(labels, valid))
    return _different(labels, valid, distances) / (size * (size - 1) / 2) if size > 1 else None


@metric(family="semantic", better="up", highest=1, unbiased=True, fewest=2)
def pair_semantic(
    labels: Labels, valid: Valid | None = None, distances: ArrayLike | None = None
) -> float | None:
    """Share of pairs of *valid* samples that differ in meaning; in [0, 1], higher is more diverse.

    Unbiased in K; says nothing about validity. The mean of `partition_diversity` over the valid
    samples is the same number. None with fewer than two valid samples.

    Args:
        labels: The meaning of each of the K samples; equal labels mean the same.
        valid: For each sample whether it meets the quality threshold; all do if None.
        distances: Shape (K, K); where meaning is continuous, d(i, j) in place of "labels differ".

    Raises:
        ConfigError: The arguments are not of the same number of samples.

    Source: Shypula et al. 2504.12522; DARLING 2509.02534.
    """
    passed = sum(valid_of(labels, valid))
    if passed < 2:
        return None
    return _different(labels, valid, distances) / (passed * (passed - 1) / 2)


def _different(labels: Labels, valid: Valid | None, distances: ArrayLike | None) -> float:
    """How many pairs of valid samples differ, or the sum of their distances."""
    if distances is not None:
        return float(np.triu(kept(distances, valid_of(labels, valid)), k=1).sum())
    sizes = class_sizes(labels, valid)
    return float(sizes.sum() ** 2 - (sizes**2).sum()) / 2


def partition_diversity(
    labels: Labels, valid: Valid | None = None, distances: ArrayLike | None = None
) -> list[float | None]:
    """Of each sample the share of the other valid ones that differ from it; in [0, 1], up.

    What DARLING multiplies the reward of a sample with. None for invalid samples, and for all where
    fewer than two are valid. The mean over the valid samples is `pair_semantic`.

    Args:
        labels: The meaning of each of the K samples; equal labels mean the same.
        valid: For each sample whether it meets the quality threshold; all do if None.
        distances: Shape (K, K); where meaning is continuous, d(i, j) in place of "labels differ".

    Raises:
        ConfigError: The arguments are not of the same number of samples.

    Source: DARLING 2509.02534.
    """
    passed = valid_of(labels, valid)
    among = [index for index, keep in enumerate(passed) if keep]
    result: list[float | None] = [None] * len(passed)
    if len(among) < 2:
        return result
    if distances is None:
        sizes = Counter(labels[index] for index in among)
        sums = [float(len(among) - sizes[labels[index]]) for index in among]
    else:
        matrix = kept(distances, passed)
        sums = (matrix.sum(axis=1) - matrix.diagonal()).tolist()
    for index, total in zip(among, sums, strict=True):
        result[index] = total / (len(among) - 1)
    return result


@metric(family="effective", better="up", highest=1)
def effective_distinct(labels: Labels, valid: Valid) -> float | None:
    """Distinct meanings of valid samples over K, all samples; in [0, 1], higher is better.

    The fixed-budget form: falls with K, so that both sides need the same. None without samples.

    Args:
        labels: The meaning of each of the K samples; equal labels mean the same.
        valid: For each sample whether it meets the quality threshold.

    Raises:
        ConfigError: The arguments are not of the same number of samples.

    Source: Shypula et al. 2504.12522.
    """
    return len(class_sizes(labels, valid)) / len(labels) if len(labels) else None


@metric(family="effective", better="up", unbiased=True, k=AtLeast(1))
def effective_distinct_at(labels: Labels, valid: Valid, *, k: int = 8) -> float | None:
    """Distinct valid meanings expected among k of the K samples; in [0, k], higher is better.

    Sums pass@k over the classes: sum over c of 1 - C(K - X_c, k) / C(K, k). Unbiased for k <= K, so
    that unequal K become comparable; at k = 1 it is the validity. None if K < k.

    Args:
        labels: The meaning of each of the K samples; equal labels mean the same.
        valid: For each sample whether it meets the quality threshold.
        k: How many samples are looked at.

    Raises:
        ConfigError: k < 1, or the arguments are not of the same number of samples.

    Source: Hurlbert 1971; pass@k, Chen et al. 2107.03374; Shypula et al. 2504.12522.
    """
    sizes = class_sizes(labels, valid)
    return expected_classes(sizes, len(labels), k) if k <= len(labels) else None


@metric(family="effective", better="up")
def parameter_efficiency(labels: Labels, valid: Valid, billions: float) -> float | None:
    """`effective_distinct` over the model's parameters in billions; above 0, higher is better.

    Unique valid content per parameter within a fixed sampling budget: both sides need the same K.

    Args:
        labels: The meaning of each of the K samples; equal labels mean the same.
        valid: For each sample whether it meets the quality threshold.
        billions: The model's number of parameters, in billions.

    Raises:
        ConfigError: `billions` is not above 0, or the arguments are not of the same samples.

    Source: Shypula et al. 2504.12522.
    """
    if not billions > 0:
        raise ConfigError(
            f"a model cannot have {billions} billion parameters", fix="give a number above 0"
        )
    distinct = effective_distinct(labels, valid)
    return None if distinct is None else distinct / billions
