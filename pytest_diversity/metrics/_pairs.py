"""What the pairwise metrics share: means over the C(K, 2) true pairs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Sequence
from itertools import chain
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

Item = TypeVar("Item", bound=Hashable)

__all__ = ["Tokens", "mean_over_pairs", "mean_pair_share", "ngrams"]

Tokens = Sequence[Sequence[Hashable]]


def ngrams(text: Sequence[Hashable], n: int) -> Counter[tuple[Hashable, ...]]:
    """The n-grams of one text with their counts; none if it has fewer than n tokens."""
    return Counter(zip(*(text[start:] for start in range(n)), strict=False))


def mean_over_pairs(matrix: NDArray[np.float64]) -> float:
    """The mean of a symmetric (K, K) matrix over its true pairs; K >= 2."""
    above = np.triu_indices(len(matrix), k=1)
    return float(matrix[above].mean())


def mean_pair_share(items: Iterable[Counter[Item]]) -> float | None:
    """Mean over pairs of |U_i or U_j| / (C_i + C_j), U the set and C the count of the items.

    Collections without items are undefined and take no part; None if fewer than two are left.
    """
    defined = [counts for counts in items if counts]
    if len(defined) < 2:
        return None
    distinct = np.array([len(counts) for counts in defined], dtype=np.float64)
    total = np.array([counts.total() for counts in defined], dtype=np.float64)
    union = distinct[:, None] + distinct - _shared(defined)
    return mean_over_pairs(union / (total[:, None] + total))


def _shared(items: Sequence[Counter[Item]]) -> NDArray[np.float64]:
    """How many distinct items each pair has in common, shape (K, K)."""
    index: dict[Item, int] = {}
    columns = [index.setdefault(item, len(index)) for item in chain.from_iterable(items)]
    starts = np.cumsum([0, *map(len, items)])
    ones = np.ones(len(columns))
    membership = csr_array((ones, columns, starts), shape=(len(items), len(index)))
    return np.asarray((membership @ membership.T).todense())
