"""Diversity as what a base model cannot foretell of an answer from the others: Decan."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from pytest_diversity.errors import ConfigError
from pytest_diversity.metrics.registry import metric

__all__ = ["conditional_surprise"]


@metric(family="semantic", better="up", fewest=2)
def conditional_surprise(surprises: ArrayLike) -> float | None:
    """Surprise of an answer after the others, weighed by coherence; in bits per byte, >= 0.

    C a, with a the mean of -log2 p(answer | prompt and the other answers) over bytes, each answer
    the last once, and C = 2 ** -(mean of -log2 p(answer | prompt) over bytes), which is 1 of text
    that is foretold and near 0 of noise. Near 0 for copies, higher is more diverse. None with fewer
    than two answers.

    A value is of one base model, at one number of answers: a falls as there are more. It knows
    nothing of quality. It does not only rise with surprise: among answers that tell nothing of one
    another it is h 2 ** -h of their h bits per byte, which is highest, 0.53, at 1.44.

    Args:
        surprises: Shape (n, 2), bits per byte of each answer alone and after the others.

    Raises:
        ConfigError: They are no such numbers, or one is negative.

    Source: Khoriaty, Williams-King, Feng 2606.01811 (D = C a_n), over rotations of one order in
    place of 25 to 50 random ones.
    """
    try:
        bits = np.asarray(surprises, dtype=np.float64)
    except (TypeError, ValueError):
        bits = np.full((1, 1), np.nan)
    if not len(bits):
        return None
    if bits.ndim != 2 or bits.shape[1] != 2 or not np.isfinite(bits).all() or (bits < 0).any():
        raise ConfigError(
            "surprises are two numbers from 0 for each answer",
            fix="give bits per byte of each answer alone, and after the others",
        )
    alone, after = bits.mean(axis=0)
    return float(after * 2**-alone) if len(bits) > 1 else None
