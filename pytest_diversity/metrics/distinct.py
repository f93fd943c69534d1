"""Distinct n-grams: within a prompt's samples together, and pair by pair."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable

from pytest_diversity.metrics._pairs import Tokens, mean_pair_share, ngrams
from pytest_diversity.metrics.registry import metric

__all__ = ["distinct", "ead", "pair_distinct"]


@metric(family="lexical", better="up")
def pair_distinct(tokens: Tokens, *, n: int = 4) -> float | None:
    """Mean share of distinct n-grams over all pairs of texts; in (0, 1], higher is more diverse.

    Over the C(K, 2) true pairs, |U_i or U_j| / (C_i + C_j) with U the set and C the count of a
    text's n-grams. Unbiased in K. A text shorter than n takes no part; None if fewer than two do.

    Args:
        tokens: K texts, each a sequence of hashable tokens.
        n: Length of the n-grams, in tokens.

    Source: Shypula et al. 2504.12522 (expectation-adjusted to true pairs).
    """
    return mean_pair_share(ngrams(text, n) for text in tokens)


@metric(family="lexical", better="up")
def distinct(tokens: Tokens, *, n: int = 2) -> float | None:
    """Distinct n-grams over all n-grams of the K texts together; in (0, 1], higher is more diverse.

    Falls with length and with K: compare at equal K and similar length. None without any n-gram.

    Args:
        tokens: K texts, each a sequence of hashable tokens.
        n: Length of the n-grams, in tokens; they never cross texts.

    Source: Li et al. 1510.03055.
    """
    pooled = _pooled(tokens, n)
    return len(pooled) / pooled.total() if pooled else None


@metric(family="lexical", better="up")
def ead(tokens: Tokens, *, n: int = 1, vocab: int = 50257) -> float | None:
    """Expectation-adjusted distinct: N / (V (1 - ((V - 1) / V)^C)); higher is more diverse.

    N distinct and C total n-grams, V the vocabulary's size. Above 1 is possible and not capped; at
    the size of a test run it does not remove the effect of length. None without any n-gram.

    Args:
        tokens: K texts, each a sequence of hashable tokens.
        n: Length of the n-grams, in tokens; they never cross texts.
        vocab: Size of the vocabulary (the default is GPT-2's).

    Source: Liu et al. 2202.13587.
    """
    pooled = _pooled(tokens, n)
    if not pooled:
        return None
    expected: float = vocab * (1 - ((vocab - 1) / vocab) ** pooled.total())
    return len(pooled) / expected


def _pooled(tokens: Tokens, n: int) -> Counter[tuple[Hashable, ...]]:
    pooled: Counter[tuple[Hashable, ...]] = Counter()
    for text in tokens:
        pooled.update(ngrams(text, n))
    return pooled
