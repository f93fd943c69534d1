"""How many samples meet the quality threshold."""

from __future__ import annotations

from collections.abc import Sequence

from pytest_diversity.errors import ConfigError
from pytest_diversity.metrics._classes import Valid
from pytest_diversity.metrics._limits import AtLeast
from pytest_diversity.metrics._rarefaction import expected_classes
from pytest_diversity.metrics.registry import metric

__all__ = ["correctness", "pass_at", "pass_at_k", "valid_pairs", "validity"]


@metric(family="quality", better="up", highest=1, unbiased=True)
def validity(valid: Valid) -> float | None:
    """Share of valid samples, m / K; in [0, 1], higher is better. None without samples.

    Args:
        valid: For each of the K samples whether it meets the quality threshold.
    """
    return sum(map(bool, valid)) / len(valid) if len(valid) else None


@metric(family="quality", better="up", highest=1, unbiased=True, fewest=2)
def valid_pairs(valid: Valid) -> float | None:
    """Share of pairs of samples that are both valid, m (m - 1) / (K (K - 1)); in [0, 1], up.

    The quality in `effective_pairs`, which is this times `pair_semantic`. Unbiased in K. None if
    K < 2.

    Args:
        valid: For each of the K samples whether it meets the quality threshold.
    """
    size, passed = len(valid), sum(map(bool, valid))
    return passed * (passed - 1) / (size * (size - 1)) if size > 1 else None


@metric(family="quality", better="up", highest=1, unbiased=True)
def correctness(correct: Sequence[bool | None]) -> float | None:
    """Share of samples that pass their prompt's check; in [0, 1], higher is better.

    A stricter validity, reported beside it. None without samples that a check could judge.

    Args:
        correct: For each of the K samples whether its check passed; None where the check itself
            is at fault.
    """
    return validity([one for one in correct if one is not None])


@metric(family="quality", better="up", highest=1, unbiased=True, k=AtLeast(1))
def pass_at(valid: Valid, passed: Valid | None = None, *, k: int = 1) -> float | None:
    """The chance that one of k samples is valid: 1 - C(K - m, k) / C(K, k); in [0, 1], up.

    Unbiased for k <= K. None if K < k.

    Args:
        valid: For each of the K samples whether it meets the quality threshold (m of them do).
        passed: For each whether it is correct, where a kind of domain tells one from the other;
            counted in place of `valid`.
        k: How many samples are looked at.

    Raises:
        ConfigError: k < 1.

    Source: Chen et al. 2107.03374.
    """
    counted = valid if passed is None else passed
    return pass_at_k(len(counted), sum(map(bool, counted)), k)


def pass_at_k(n: int, c: int, k: int) -> float | None:
    """pass@k from counts, as in the paper: 1 - C(n - c, k) / C(n, k); in [0, 1], None if n < k.

    Args:
        n: How many samples there are.
        c: How many of them are correct.
        k: How many are looked at.

    Raises:
        ConfigError: k < 1, or c is not among 0 to n.

    Source: Chen et al. 2107.03374.
    """
    if k < 1 or not 0 <= c <= n:
        raise ConfigError(
            f"pass@k needs k >= 1 and 0 <= c <= n, not n={n}, c={c}, k={k}", fix="change them"
        )
    return expected_classes([c], n, k) if k <= n else None
