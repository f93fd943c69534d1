"""What the pairwise metrics share: means over the C(K, 2) true pairs, in blocks of rows."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csc_array

from pytest_diversity.metrics._grams import Bags, Ints

__all__ = ["Floats", "mean_over_pairs", "mean_pair_share", "mean_shared"]

Floats: TypeAlias = NDArray[np.float64]

_CELLS = 2_000_000  # of a block: 16 MB, however many samples there are


def mean_over_pairs(size: int, block: Callable[[slice], Floats], rows: int | None = None) -> float:
    """The mean over the true pairs of `size` >= 2 samples.

    Args:
        size: K.
        block: For a slice of samples, say from r on, their values against the samples from r + 1
            on: shape (length of the slice, K - r - 1).
        rows: How many samples a slice has; as many as keep a block small if None.
    """
    step = rows or max(1, _CELLS // size)
    slices = (slice(start, min(start + step, size)) for start in range(0, size, step))
    total = sum(float(np.triu(block(found)).sum()) for found in slices)
    return total / (size * (size - 1) / 2)


def mean_shared(
    bags: Bags, weights: Floats, value: Callable[[Ints, Ints, Floats], Floats]
) -> float | None:
    """The mean over pairs of a value that depends on what the two have in common.

    Collections without items are undefined and take no part; None if fewer than two are left.

    Args:
        bags: K collections.
        weights: Of each entry of `bags`; what two have in common is the sum of their products.
        value: From two sets of samples, and what each of one has in common with each of the other,
            to their values.
    """
    kept = np.flatnonzero(bags.totals)
    if len(kept) < 2:
        return None
    shared, starts = bags.shared()  # most n-grams are in one text alone
    place = np.zeros(bags.size, dtype=np.int64)
    place[kept] = np.arange(len(kept))
    # sparse also where it is small: threads of BLAS wait for one another longer than they work
    by_item = csc_array(
        (weights[shared], place[bags.bag[shared]], starts), shape=(len(kept), len(starts) - 1)
    )
    matrix = by_item.tocsr()

    def block(rows: slice) -> Floats:
        after = slice(rows.start + 1, None)
        if rows.stop - rows.start == len(kept):  # most often; and slicing takes longer than this
            common = (matrix @ by_item.T).toarray()[:, after]
        else:
            common = (matrix[rows] @ matrix[after].T).toarray()
        return value(kept[rows], kept[after], common)

    return mean_over_pairs(len(kept), block)


def mean_pair_share(bags: Bags, drawn: Ints | None = None) -> float | None:
    """Mean over pairs of `|U_i or U_j| / (C_i + C_j)`, U the set and C the count of the items.

    Args:
        bags: K collections; those without items take no part.
        drawn: How many items to draw from each, without replacement; the value is then the share
            expected among those drawn. All of them if None.
    """
    if drawn is None:
        found, totals = np.ones(len(bags.item)), bags.totals
    else:
        bags = bags.drawable(drawn)
        found, totals = bags.found(drawn), drawn
    own = bags.sums(found)

    def share(rows: Ints, columns: Ints, common: Floats) -> Floats:
        union = own[rows][:, None] + own[columns] - common
        result: Floats = union / (totals[rows][:, None] + totals[columns])
        return result

    return mean_shared(bags, found, share)
