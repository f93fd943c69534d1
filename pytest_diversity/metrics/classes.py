"""The spread of the valid samples over classes of meaning."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import numpy as np
from numpy.typing import NDArray

from pytest_diversity.metrics._classes import Labels, Valid, class_sizes
from pytest_diversity.metrics._limits import AtLeast, OneOf
from pytest_diversity.metrics._rarefaction import expected_classes
from pytest_diversity.metrics.registry import metric

__all__ = [
    "chao1",
    "coverage",
    "distinct_at",
    "dominance",
    "format_dominance",
    "hill",
    "hill_number",
    "semantic_entropy",
]

_NEAR_ONE = 1e-7  # of q: the general formula divides by 1 - q


@metric(family="semantic", better="up", k=AtLeast(1))
def distinct_at(labels: Labels, valid: Valid | None = None, *, k: int = 2) -> float | None:
    """Distinct meanings expected among k of the *valid* samples; in [1, k], higher is more diverse.

    Unbiased for k <= m, the number of valid samples; None if m < k.

    Args:
        labels: The meaning of each of the K samples; equal labels mean the same.
        valid: For each sample whether it meets the quality threshold; all do if None.
        k: How many valid samples are looked at.

    Raises:
        ConfigError: k < 1, or the arguments are not of the same number of samples.

    Source: Hurlbert 1971.
    """
    sizes = class_sizes(labels, valid)
    passed = int(sizes.sum())
    return expected_classes(sizes, passed, k) if passed >= k else None


@metric(family="semantic", better="up", q=AtLeast(0))
def hill(labels: Labels, valid: Valid | None = None, *, q: float = 1.0) -> float | None:
    """Hill number of order q of the valid samples' classes; in [1, m], higher is more diverse.

    The number of equally common classes that would be as diverse: q = 0 counts classes, 1 is the
    exponential of the entropy, 2 the inverse of Simpson's index, inf that of the largest share.
    Grows with m. None without valid samples.

    Args:
        labels: The meaning of each of the K samples; equal labels mean the same.
        valid: For each sample whether it meets the quality threshold; all do if None.
        q: Order; the higher, the less rare classes count.

    Raises:
        ConfigError: q < 0, or the arguments are not of the same number of samples.

    Source: Hill 1973.
    """
    shares = _shares(labels, valid)
    return hill_number(shares, q) if len(shares) else None


def hill_number(shares: NDArray[np.float64], q: float) -> float:
    """The Hill number of order q of positive shares that sum to 1."""
    if abs(q - 1) < _NEAR_ONE:
        return float(np.exp(-(shares @ np.log(shares))))
    largest = float(shares.max())
    if np.isinf(q):
        return 1 / largest
    # relative to the largest share: a high power of a small share would underflow
    rest = float(((shares / largest) ** q).sum())
    return float(np.exp(q / (1 - q) * np.log(largest) + np.log(rest) / (1 - q)))


@metric(family="semantic", better="up", correction=OneOf(("none", "miller-madow")))
def semantic_entropy(
    labels: Labels, valid: Valid | None = None, *, correction: str = "none"
) -> float | None:
    """Shannon entropy of the valid samples' classes, in nats; in [0, ln m], higher is more diverse.

    The plug-in estimate is biased low where m is small; "miller-madow" adds (classes - 1) / (2 m).
    None without valid samples.

    Args:
        labels: The meaning of each of the K samples; equal labels mean the same.
        valid: For each sample whether it meets the quality threshold; all do if None.
        correction: "none" or "miller-madow".

    Raises:
        ConfigError: The correction is another, or the arguments are not of the same samples.

    Source: Farquhar et al. 2024; Miller 1955.
    """
    shares = _shares(labels, valid)
    if not len(shares):
        return None
    passed = len(labels) if valid is None else sum(map(bool, valid))
    bias = (len(shares) - 1) / (2 * passed) if correction == "miller-madow" else 0.0
    return max(0.0, -float(shares @ np.log(shares))) + bias


@metric(family="semantic", better="down", highest=1)
def coverage(labels: Labels, valid: Valid | None = None) -> float | None:
    """Good-Turing's estimate of the share of meanings already seen: 1 - f1 / m; in [0, 1].

    f1 is the number of classes seen once. A high coverage says that more samples would show little
    that is new: at equal m, lower is more diverse. None without valid samples.

    Args:
        labels: The meaning of each of the K samples; equal labels mean the same.
        valid: For each sample whether it meets the quality threshold; all do if None.

    Raises:
        ConfigError: The arguments are not of the same number of samples.

    Source: Good 1953.
    """
    sizes = class_sizes(labels, valid)
    return 1 - int((sizes == 1).sum()) / int(sizes.sum()) if len(sizes) else None


@metric(family="semantic", better="up", correction=OneOf(("none", "bias-corrected")))
def chao1(labels: Labels, valid: Valid | None = None, *, correction: str = "none") -> float | None:
    """How many meanings there are, seen and unseen, at least; above 0, higher is more diverse.

    S + (m - 1) / m * f1^2 / (2 f2), with f1 and f2 the classes seen once and twice. The
    bias-corrected form, S + (m - 1) / m * f1 (f1 - 1) / (2 (f2 + 1)), also stands in where f2 = 0.
    None without valid samples.

    Args:
        labels: The meaning of each of the K samples; equal labels mean the same.
        valid: For each sample whether it meets the quality threshold; all do if None.
        correction: "none" or "bias-corrected".

    Raises:
        ConfigError: The correction is another, or the arguments are not of the same samples.

    Source: Chao 1984.
    """
    sizes = class_sizes(labels, valid)
    if not len(sizes):
        return None
    once, twice = int((sizes == 1).sum()), int((sizes == 2).sum())
    if correction == "none" and twice:
        unseen = once**2 / (2 * twice)
    else:
        unseen = once * (once - 1) / (2 * (twice + 1))
    return len(sizes) + (1 - 1 / int(sizes.sum())) * unseen


@metric(family="semantic", better="down", highest=1)
def dominance(labels: Labels, valid: Valid | None = None) -> float | None:
    """Share of the most common meaning among the valid samples; in (0, 1], lower is more diverse.

    Mode collapse at a glance. None without valid samples.

    Args:
        labels: The meaning of each of the K samples; equal labels mean the same.
        valid: For each sample whether it meets the quality threshold; all do if None.

    Raises:
        ConfigError: The arguments are not of the same number of samples.

    Source: Berger and Parker 1970.
    """
    shares = _shares(labels, valid)
    return float(shares.max()) if len(shares) else None


@metric(family="syntactic", better="down", highest=1)
def format_dominance(formats: Sequence[Hashable]) -> float | None:
    """Share of the most common format of the answers; in (0, 1], lower is more diverse.

    Args:
        formats: The format of each of the K samples, as `prose`, `list` or `refusal`.
    """
    return dominance(formats)


def _shares(labels: Labels, valid: Valid | None) -> NDArray[np.float64]:
    sizes = class_sizes(labels, valid)
    shares: NDArray[np.float64] = sizes / sizes.sum()
    return shares
