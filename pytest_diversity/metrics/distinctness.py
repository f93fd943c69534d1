"""Distinct n-grams: within a prompt's samples together, and pair by pair."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from pytest_diversity.metrics._grams import Corpus, Ints, Tokens
from pytest_diversity.metrics._limits import AtLeast
from pytest_diversity.metrics._pairs import mean_pair_share
from pytest_diversity.metrics.registry import metric

__all__ = ["distinct", "ead", "pair_distinct"]

_ORDER = AtLeast(1)


@metric(family="lexical", better="up", highest=1, unbiased=True, fewest=2, n=_ORDER)
def pair_distinct(
    tokens: Tokens, drawn_tokens: Sequence[int] | None = None, *, n: int = 4
) -> float | None:
    """Mean share of distinct n-grams over all pairs of texts; in (0, 1], higher is more diverse.

    Over the C(K, 2) true pairs, `|U_i or U_j| / (C_i + C_j)` with U the set and C the count of a
    text's n-grams. Unbiased in K. A text shorter than n takes no part; None if fewer than two do.

    Args:
        tokens: K texts, each a sequence of hashable tokens.
        drawn_tokens: For each text how many tokens to rarefy it to: the exact expectation for as
            many n-grams as so many tokens have, drawn without replacement. Whole texts if None.
        n: Length of the n-grams, in tokens.

    Raises:
        ConfigError: n < 1, or a text is a string.

    Source: Shypula et al. 2504.12522 (over the true pairs, not pairs drawn with replacement).
    """
    corpus = Corpus.of(tokens)
    return mean_pair_share(corpus.bags(n), _drawn(corpus, drawn_tokens, n))


@metric(family="lexical", better="up", highest=1, n=_ORDER)
def distinct(
    tokens: Tokens, drawn_tokens: Sequence[int] | None = None, *, n: int = 2
) -> float | None:
    """Distinct n-grams over all n-grams of the K texts together; in (0, 1], higher is more diverse.

    Falls with length and with K: compare at equal K and similar length. None without any n-gram.

    Args:
        tokens: K texts, each a sequence of hashable tokens.
        drawn_tokens: For each text how many tokens to rarefy it to, as in `pair_distinct`.
        n: Length of the n-grams, in tokens; they never cross texts.

    Raises:
        ConfigError: n < 1, or a text is a string.

    Source: Li et al. 1510.03055.
    """
    corpus = Corpus.of(tokens)
    types, total = corpus.bags(n).types(_drawn(corpus, drawn_tokens, n))
    return types / total if total else None


@metric(family="lexical", better="up", n=_ORDER, vocab=AtLeast(2))
def ead(
    tokens: Tokens,
    drawn_tokens: Sequence[int] | None = None,
    *,
    n: int = 1,
    vocab: int = 50257,
) -> float | None:
    """Expectation-adjusted distinct: N / (V (1 - ((V - 1) / V)^C)); above 0, up.

    N distinct and C total n-grams, V the vocabulary's size. Above 1 is possible and not capped; at
    the size of a test run it does not remove the effect of length. None without any n-gram.

    Args:
        tokens: K texts, each a sequence of hashable tokens.
        drawn_tokens: For each text how many tokens to rarefy it to, as in `pair_distinct`.
        n: Length of the n-grams, in tokens; they never cross texts.
        vocab: Size of the vocabulary (the default is GPT-2's).

    Raises:
        ConfigError: n < 1 or vocab < 2, or a text is a string.

    Source: Liu et al. 2202.13587.
    """
    corpus = Corpus.of(tokens)
    types, total = corpus.bags(n).types(_drawn(corpus, drawn_tokens, n))
    # expm1 and log1p: 1 - ((V - 1) / V)^C loses its digits where V is large
    return types / float(-vocab * np.expm1(total * np.log1p(-1 / vocab))) if total else None


def _drawn(corpus: Corpus, drawn_tokens: Sequence[int] | None, n: int) -> Ints | None:
    """How many n-grams so many tokens of each text have, at most all of the text's."""
    if drawn_tokens is None:
        return None
    tokens = np.minimum(np.asarray(drawn_tokens, dtype=np.int64), corpus.lengths)
    grams: Ints = np.maximum(tokens - n + 1, 0)
    return grams
