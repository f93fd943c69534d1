"""How samples ended: how many were cut by the limit on their tokens."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from pytest_diversity.samples import SampleSet

__all__ = ["Endings"]

_CUT = {"length", "max_tokens"}  # finish reasons, as servers and recordings spell them


@dataclass(frozen=True, slots=True)
class Endings:
    """How the samples of one side ended.

    Attributes:
        known: Of how many the finish reason is known.
        cut: How many of these were cut by the limit on their tokens.
        limit: That limit, if the cut samples say it.
    """

    known: int
    cut: int
    limit: int | None

    @property
    def share(self) -> float | None:
        """The share that was cut, from 0 to 1; None where no finish reason is known."""
        return self.cut / self.known if self.known else None

    @classmethod
    def of(cls, samples: SampleSet) -> Self:
        """Those of samples."""
        known = [sample for sample in samples.samples if sample.finish_reason is not None]
        cut = [sample for sample in known if str(sample.finish_reason).lower() in _CUT]
        return cls(
            known=len(known),
            cut=len(cut),
            limit=max((sample.tokens for sample in cut if sample.tokens), default=None),
        )
