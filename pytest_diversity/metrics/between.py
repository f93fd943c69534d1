"""How far the answers of two checkpoints lie apart."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from pytest_diversity.errors import ConfigError
from pytest_diversity.metrics.embedding import embedding_distance, unit_rows
from pytest_diversity.metrics.registry import metric

__all__ = ["separation"]


@metric(family="semantic", better="up", highest=1, unbiased=True, fewest=2)
def separation(embeddings: ArrayLike, other_embeddings: ArrayLike) -> float | None:
    """How much further apart two checkpoints' answers lie than one's own; in [-1, 1], up is apart.

    d(A, B) - (d(A, A) + d(B, B)) / 2, with d the mean cosine distance over all pairs of two
    different samples. Its expected value is 0 where both answer alike, whatever K: a fine-tune
    that has become the other model. In one prompt it may be below 0 by chance. None with fewer
    than two samples on a side.

    Args:
        embeddings: Shape (K, D), one row a sample; the rows need not be normalised.
        other_embeddings: Shape (L, D), of the other checkpoint's answers to the same prompt.

    Raises:
        ConfigError: They are not matrices of finite numbers of one width.

    Source: between-model similarity of Jiang et al. 2510.22954, in the unbiased form of the energy
    distance (Székely and Rizzo 2013).
    """
    ours, theirs = unit_rows(embeddings), unit_rows(other_embeddings)
    own, other = embedding_distance(ours), embedding_distance(theirs)
    if own is None or other is None:
        return None
    if ours.shape[1] != theirs.shape[1]:
        raise ConfigError(
            f"embeddings of {ours.shape[1]} and {theirs.shape[1]} numbers cannot be compared",
            fix="embed both sides with one model",
        )
    between = 1 - np.clip(ours @ theirs.T, 0, 1).mean()
    return float(between - (own + other) / 2)
