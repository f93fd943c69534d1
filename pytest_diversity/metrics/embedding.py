"""Distances between sentence embeddings."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pytest_diversity.errors import ConfigError
from pytest_diversity.metrics._pairs import Floats, mean_over_pairs
from pytest_diversity.metrics.registry import metric

__all__ = ["connected_classes", "cosine_distances", "embedding_distance", "unit_rows"]


@metric(family="semantic", better="up", highest=1, unbiased=True, fewest=2)
def embedding_distance(embeddings: ArrayLike) -> float | None:
    """Mean cosine distance over all pairs of samples; in [0, 1], higher is more diverse.

    Args:
        embeddings: Shape (K, D), one row a sample; the rows need not be normalised.

    Returns:
        The mean of 1 - clip(cos, 0, 1) over the true pairs, None if K < 2.

    Raises:
        ConfigError: The embeddings are not a matrix of finite numbers.
    """
    unit = unit_rows(embeddings)

    def distance(rows: slice) -> Floats:
        return _distance(unit[rows] @ unit[rows.start + 1 :].T)

    return mean_over_pairs(len(unit), distance) if len(unit) > 1 else None


def cosine_distances(embeddings: ArrayLike) -> NDArray[np.float64]:
    """1 - clip(cos, 0, 1) of all pairs of rows, shape (K, K); a zero row is far from all others."""
    unit = unit_rows(embeddings)
    distances = _distance(unit @ unit.T)
    np.fill_diagonal(distances, 0.0)
    return distances


def connected_classes(distances: ArrayLike, near: float) -> list[int]:
    """Classes of samples: the connected components of "distance below `near`".

    Independent of the order of the samples, unlike greedy clustering. Two samples of one class may
    lie further apart, if others connect them.

    Args:
        distances: Shape (K, K), symmetric.
        near: Below this distance two samples mean the same.

    Returns:
        For each of the K samples the number of its class.
    """
    from scipy.sparse.csgraph import connected_components  # noqa: PLC0415 - heavy, and rarely asked

    _, classes = connected_components(np.asarray(distances) < near, directed=False)
    return [int(number) for number in classes]


def unit_rows(embeddings: ArrayLike) -> NDArray[np.float64]:
    """The rows at length 1; rows of zeros stay.

    Raises:
        ConfigError: The embeddings are not a matrix of finite numbers.
    """
    rows = np.asarray(embeddings, dtype=np.float64)
    if rows.ndim == 1 and not len(rows):
        return np.zeros((0, 1))
    lengths = np.sqrt(np.einsum("ij,ij->i", rows, rows))[:, None] if rows.ndim == 2 else np.inf
    if not np.all(np.isfinite(lengths)):
        raise ConfigError(
            f"embeddings of shape {rows.shape} are not a matrix of finite numbers",
            fix="give one row of numbers for each sample",
        )
    unit: Floats = rows / np.where(lengths > 0, lengths, 1.0)
    return unit


def _distance(cosines: Floats) -> Floats:
    np.clip(cosines, 0.0, 1.0, out=cosines)
    np.subtract(1.0, cosines, out=cosines)
    return cosines
