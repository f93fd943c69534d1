"""The Vendi score: how many samples there effectively are."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.linalg import blas, eigvalsh

from pytest_diversity.errors import ConfigError
from pytest_diversity.metrics._limits import Above, check
from pytest_diversity.metrics.classes import hill_number
from pytest_diversity.metrics.embedding import unit_rows
from pytest_diversity.metrics.registry import metric

__all__ = ["vendi", "vendi_of_kernel"]

_ORDER = Above(0)
_WORTH_A_GPU = 1_000  # rows of a Gram matrix; smaller ones are done before a GPU has them
_NOISE = 1e-12  # eigenvalues sum to 1; below this, one is a rounding error


@metric(family="semantic", better="up", q=_ORDER)
def vendi(embeddings: ArrayLike, *, q: float = 1.0) -> float | None:
    """Vendi score with cosine similarity, of order q; in [1, K], higher is more diverse.

    The Hill number of the eigenvalues of K / n, K the matrix of cosines: 1 where all samples are
    the same, n where they are orthogonal. From the smaller of the Gram matrices, n x n or d x d, on
    the GPU where torch is loaded and sees one. Grows with n. None without samples.

    Args:
        embeddings: Shape (n, d), one row a sample; the rows need not be normalised. A row of zeros
            is unlike all others.
        q: Order, above 0; `inf` looks at the largest eigenvalue alone.

    Raises:
        ConfigError: q is not above 0, or the embeddings are not a matrix of numbers.

    Source: Friedman and Dieng 2210.02410; order q: Pasarkar and Dieng 2310.12952.
    """
    rows = unit_rows(embeddings)
    if not len(rows):
        return None
    empty = ~rows.any(axis=1)
    own: NDArray[np.float64] = np.full(
        int(empty.sum()), 1 / len(rows)
    )  # each is a class of its own
    return _score([*_gram_eigenvalues(rows), *own], q)


def vendi_of_kernel(kernel: ArrayLike, *, q: float = 1.0) -> float | None:
    """Vendi score of any similarity; in [1, n], higher is more diverse. None without samples.

    Args:
        kernel: Shape (n, n), symmetric and positive semidefinite, with ones on its diagonal.
        q: Order, above 0; `inf` looks at the largest eigenvalue alone.

    Raises:
        ConfigError: q is not above 0, or the kernel is not a symmetric matrix with a unit diagonal.

    Source: Friedman and Dieng 2210.02410; order q: Pasarkar and Dieng 2310.12952.
    """
    check("vendi", {"q": _ORDER}, {"q": q})
    matrix = np.asarray(kernel, dtype=np.float64)
    if matrix.size == 0:
        return None
    if (
        matrix.ndim != 2
        or matrix.shape[0] != matrix.shape[1]
        or not np.allclose(matrix, matrix.T)
        or not np.allclose(matrix.diagonal(), 1)
    ):
        raise ConfigError(
            f"a kernel of shape {matrix.shape} is not a matrix of similarities",
            fix="it must be square and symmetric, with ones on its diagonal",
        )
    return _score(eigvalsh(matrix / len(matrix)), q)


def _score(eigenvalues: ArrayLike, q: float) -> float:
    values = np.asarray(eigenvalues, dtype=np.float64)
    kept = values[values > _NOISE]
    return hill_number(kept / kept.sum(), q)


def _gram_eigenvalues(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """The eigenvalues of rows rows^T / n that are not 0, from the smaller Gram matrix."""
    size, width = rows.shape
    smaller = rows.T if width < size else rows
    torch = _torch_with_gpu() if len(smaller) >= _WORTH_A_GPU else None
    if torch is not None:
        return _by_torch(torch, smaller, size, "cuda")
    # syrk computes one triangle, which is all that eigvalsh reads; in this order it copies nothing
    gram = blas.dsyrk(1.0 / size, rows.T, trans=int(smaller is rows), lower=1)
    values = eigvalsh(gram, lower=True, overwrite_a=True, check_finite=False)
    return np.asarray(values, dtype=np.float64)


def _torch_with_gpu() -> Any:
    """torch, if it is loaded already and has a GPU; loading it would cost more than it saves."""
    torch = sys.modules.get("torch")
    return torch if torch is not None and torch.cuda.is_available() else None


def _by_torch(
    torch: Any, smaller: NDArray[np.float64], size: int, device: str
) -> NDArray[np.float64]:
    matrix = torch.from_numpy(np.ascontiguousarray(smaller)).to(device)
    values = torch.linalg.eigvalsh(matrix @ matrix.T / size)
    return np.asarray(values.cpu().numpy(), dtype=np.float64)
