"""Distances between sentence embeddings."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pytest_diversity.metrics._pairs import mean_over_pairs
from pytest_diversity.metrics.registry import metric

__all__ = ["cosine_distances", "embedding_distance"]


@metric(family="semantic", better="up")
def embedding_distance(embeddings: ArrayLike) -> float | None:
    """Mean cosine distance over all pairs of samples; in [0, 1], higher is more diverse.

    Args:
        embeddings: Shape (K, D), one row a sample; the rows need not be normalised.

    Returns:
        The mean of 1 - clip(cos, 0, 1) over the true pairs, None if K < 2.
    """
    distances = cosine_distances(embeddings)
    return mean_over_pairs(distances) if len(distances) > 1 else None


def cosine_distances(embeddings: ArrayLike) -> NDArray[np.float64]:
    """1 - clip(cos, 0, 1) of all pairs of rows, shape (K, K); a zero row is far from all others."""
    rows = np.asarray(embeddings, dtype=np.float64)
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    unit = np.divide(rows, lengths, out=np.zeros_like(rows), where=lengths > 0)
    distances: NDArray[np.float64] = 1.0 - np.clip(unit @ unit.T, 0.0, 1.0)
    np.fill_diagonal(distances, 0.0)
    return distances
