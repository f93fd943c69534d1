"""Samples that were wanted, and where they are from."""

from __future__ import annotations

from dataclasses import dataclass

from pytest_diversity.samples import SampleSet

__all__ = ["Drawing"]


@dataclass(frozen=True, slots=True)
class Drawing:
    """Samples, and where they are from.

    Attributes:
        samples: All that were wanted.
        drawn: How many of them had to be drawn.
        stored: How many were there before.
        replayed: Whether they are recorded in a file, which is all there is of the checkpoint.
        notes: What must be said of them, such as what was left out.
        lacks: What of the wanted is not there, so that nothing can be judged; None if nothing is.
    """

    samples: SampleSet
    drawn: int
    stored: int
    replayed: bool = False
    notes: tuple[str, ...] = ()
    lacks: str | None = None
