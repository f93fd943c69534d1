"""Diversity of answers beyond that of their prompts: the Vendi score given the prompts."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pytest_diversity.errors import ConfigError
from pytest_diversity.metrics.embedding import unit_rows
from pytest_diversity.metrics.kernels import vendi_of_kernel
from pytest_diversity.metrics.registry import metric

__all__ = ["conditional_vendi"]


@metric(family="semantic", better="up")
def conditional_vendi(embeddings: ArrayLike, prompt_embeddings: ArrayLike) -> float | None:
    """Vendi score of answers given their prompts; in [1, n], higher is more diverse.

    exp(H(X * T) - H(T)), with H the entropy of the eigenvalues of a matrix of cosines over n, X
    that of the answers, T that of their prompts, and * the product of entries. Answers that follow
    from their prompts add nothing: it is 1 where each prompt is orthogonal to all others, and the
    plain Vendi score where all samples are of one prompt. So it is for samples of many prompts, as
    in `across(conditional_vendi())`. Grows with n. None without samples.

    Args:
        embeddings: Shape (n, d), one row a sample; the rows need not be normalised. A row of zeros
            is unlike all others.
        prompt_embeddings: Shape (n, e), of the prompt of each sample.

    Raises:
        ConfigError: They are not matrices of finite numbers with one row a sample.

    Source: Jalali, Haghighat, Gholami, Farnia 2411.02817, with cosine kernels.
    """
    answers, prompts = _cosines(embeddings), _cosines(prompt_embeddings)
    if answers.shape != prompts.shape:
        raise ConfigError(
            f"{len(answers)} embeddings and {len(prompts)} of prompts do not belong together",
            fix="give the embedding of its prompt for each sample",
        )
    given, alone = vendi_of_kernel(answers * prompts), vendi_of_kernel(prompts)
    return given / alone if given and alone else None  # neither is 0; None without samples


def _cosines(embeddings: ArrayLike) -> NDArray[np.float64]:
    rows = unit_rows(embeddings)
    cosines: NDArray[np.float64] = rows @ rows.T
    np.fill_diagonal(cosines, 1.0)
    return cosines
