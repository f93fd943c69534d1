"""Classes of meaning among the valid samples."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pytest_diversity.errors import ConfigError

__all__ = ["Labels", "Valid", "class_sizes", "kept", "valid_of"]

Labels: TypeAlias = Sequence[Hashable] | NDArray[Any]
Valid: TypeAlias = Sequence[bool] | Sequence[int] | NDArray[Any]  # 0 and 1 are as good as bools


def valid_of(labels: Labels, valid: Valid | None) -> list[bool]:
    """`valid` as bools, all of them true if None.

    Raises:
        ConfigError: There is not one for each label.
    """
    if valid is None:
        return [True] * len(labels)
    if len(valid) != len(labels):
        raise ConfigError(
            f"{len(labels)} labels and {len(valid)} validities do not belong to the same samples",
            fix="give one of each for every sample",
        )
    return [bool(passed) for passed in valid]


def class_sizes(labels: Labels, valid: Valid | None) -> NDArray[np.int64]:
    """How many valid samples each class of meaning has; empty without valid samples."""
    passed = valid_of(labels, valid)
    sizes = Counter(label for label, keep in zip(labels, passed, strict=True) if keep).values()
    return np.fromiter(sizes, dtype=np.int64)


def kept(distances: ArrayLike, valid: Sequence[bool]) -> NDArray[np.float64]:
    """The distances among the valid samples.

    Raises:
        ConfigError: They are not a matrix with a row and a column for every sample.
    """
    matrix = np.asarray(distances, dtype=np.float64)
    if matrix.shape != (len(valid), len(valid)):
        raise ConfigError(
            f"distances of shape {matrix.shape} do not belong to {len(valid)} samples",
            fix=f"the shape must be ({len(valid)}, {len(valid)})",
        )
    among = np.flatnonzero(valid)
    return matrix[np.ix_(among, among)]
