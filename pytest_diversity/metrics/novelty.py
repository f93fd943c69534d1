"""The utility of what a patient user has not seen yet."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

from pytest_diversity.errors import ConfigError
from pytest_diversity.metrics._classes import Labels
from pytest_diversity.metrics._limits import Above
from pytest_diversity.metrics.registry import metric

__all__ = ["novelty_utility"]


@metric(family="effective", better="up", highest=10, p=Above(0, 1))
def novelty_utility(labels: Labels, utilities: Sequence[float], *, p: float = 0.8) -> float | None:
    """Mean utility of new answers to a user who asks on with patience p; in [0, 10], up.

    (1 - p) / (1 - p^k) * sum over i of p^(i - 1) * u_i where the meaning of answer i is new, in the
    order of sampling; p = 1 weighs all alike. Utilities from 1 to 10 as in the paper give the
    range. None without samples.

    Args:
        labels: The meaning of each of the k samples, in order; equal labels mean the same.
        utilities: How good each is, from a reward model.
        p: The probability that the user asks for one more.

    Raises:
        ConfigError: p is not above 0 and at most 1, or there is not one utility for each label.

    Source: NoveltyBench 2504.05228.
    """
    if len(labels) != len(utilities):
        raise ConfigError(
            f"{len(labels)} labels and {len(utilities)} utilities are not of the same samples",
            fix="give one of each for every sample",
        )
    if not len(labels):
        return None
    weights = [p**rank for rank in range(len(labels))]
    known: set[Hashable] = set()
    gained = 0.0
    for label, utility, weight in zip(labels, utilities, weights, strict=True):
        if label not in known:
            gained += weight * float(utility)
            known.add(label)
    return gained / sum(weights)
