"""Deciding early: looks at growing samples that together err no more often than one look.

A gate that is looked at three times at 5 % fails up to 11 % of unchanged checkpoints. Spending
gives each look its share instead (Lan & DeMets 1983): after a share t of the samples, at most
a ln(1 + (e - 1) t) of the error rate a is spent. That is the spending function in the manner of
Pocock, which leaves early looks enough to stop at clear effects.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, stats

__all__ = ["LOOKS", "counts", "levels"]

LOOKS = (0.25, 0.5, 1.0)
_FEWEST = 4  # samples of a prompt at the first look
_GRID = np.linspace(-8.0, 8.0, 1601)
_STEP = float(_GRID[1] - _GRID[0])


def counts(samples: int) -> list[int]:
    """How many samples of each prompt the looks take, each time more, up to `samples`."""
    wanted = {min(samples, max(_FEWEST, math.ceil(share * samples))) for share in LOOKS}
    return sorted(wanted)


@lru_cache(maxsize=256)
def levels(alpha: float, shares: tuple[float, ...]) -> tuple[float, ...]:
    """The one-sided level of each look, so that all of them together reject with `alpha`.

    Exact where what comes between two looks is independent of what was before, as with samples of
    the same prompts that differ by sampling alone. Where prompts also differ in how much they
    changed, looks resemble each other more, and fewer errors are made than stated.

    Args:
        alpha: One-sided error rate over all looks.
        shares: The share of all samples at each look, growing, the last one 1.
    """
    return tuple(_spend(alpha, shares))


def _spend(alpha: float, shares: Sequence[float]) -> Iterator[float]:
    """Armitage, McPherson & Rowe's recursion over the density of what was not rejected yet."""
    before, spent = 0.0, 0.0
    density: NDArray[np.float64] | None = None
    for share in shares:
        budget = alpha * math.log1p((math.e - 1) * share)
        step = math.sqrt(share - before)
        if density is None:
            density = stats.norm.pdf(_GRID, scale=step)
        else:
            density = stats.norm.pdf(_GRID[:, None] - _GRID, scale=step) @ density * _STEP
        threshold = _threshold(density, budget - spent)
        density = np.where(threshold > _GRID, density, 0.0)
        before, spent = share, budget
        yield float(stats.norm.sf(threshold / math.sqrt(share)))


def _threshold(density: NDArray[np.float64], tail: float) -> float:
    """The value above which the density has a mass of `tail`."""
    masses = np.cumsum(density[::-1])[::-1] * _STEP - density * _STEP / 2
    return float(optimize.brentq(lambda x: np.interp(x, _GRID, masses) - tail, -7.0, 7.0))
