"""What texts repeat of one another: n-grams shared with the others."""

from __future__ import annotations

import numpy as np

from pytest_diversity.metrics._grams import Corpus, Ints, Tokens
from pytest_diversity.metrics._limits import AtLeast
from pytest_diversity.metrics._pairs import Floats, mean_shared
from pytest_diversity.metrics.registry import metric

__all__ = ["jaccard", "self_repetition"]


@metric(family="lexical", better="down", fewest=2, n=AtLeast(1))
def self_repetition(tokens: Tokens, *, n: int = 4) -> float | None:
    """Mean over texts of ln(1 + R); 0 if nothing is repeated, lower is more diverse.

    R sums, over the text's different n-grams, the number of other texts that have it. Grows with K
    and with length. A text shorter than n takes no part; None if fewer than two do.

    Args:
        tokens: K texts, each a sequence of hashable tokens.
        n: Length of the n-grams, in tokens.

    Raises:
        ConfigError: n < 1, or a text is a string.

    Source: Salkar et al. 2022, as in Shaib et al. 2403.00553.
    """
    bags = Corpus.of(tokens).bags(n)
    defined = bags.totals > 0
    if defined.sum() < 2:
        return None
    others = np.bincount(bags.item) - 1
    return float(np.log1p(bags.sums(others[bags.item])[defined]).mean())


@metric(family="lexical", better="up", highest=1, unbiased=True, fewest=2, n=AtLeast(1))
def jaccard(tokens: Tokens, *, n: int = 4) -> float | None:
    """Mean Jaccard distance of the n-gram sets over all pairs; in [0, 1], higher is more diverse.

    `1 - |U_i and U_j| / |U_i or U_j|`. Unbiased in K. A text shorter than n takes no part; None if
    fewer than two do.

    Args:
        tokens: K texts, each a sequence of hashable tokens.
        n: Length of the n-grams, in tokens.

    Raises:
        ConfigError: n < 1, or a text is a string.

    Source: Jaccard 1912.
    """
    bags = Corpus.of(tokens).bags(n)
    ones = np.ones(len(bags.item))
    own = bags.sums(ones)

    def distance(rows: Ints, columns: Ints, common: Floats) -> Floats:
        result: Floats = 1.0 - common / (own[rows][:, None] + own[columns] - common)
        return result

    return mean_shared(bags, ones, distance)
