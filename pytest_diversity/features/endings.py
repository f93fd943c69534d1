"""How samples ended: cut by the limit on their tokens, or within a thought."""

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
        samples: How many there are.
        known: Of how many the finish reason is known.
        cut: How many of these were cut by the limit on their tokens.
        limit: That limit, if the cut samples say it.
        thoughts: How many are thoughts without an answer, since they never ended.
    """

    samples: int
    known: int
    cut: int
    limit: int | None
    thoughts: int

    @property
    def share(self) -> float | None:
        """The share that was cut, from 0 to 1; None where no finish reason is known."""
        return self.cut / self.known if self.known else None

    @classmethod
    def of(cls, samples: SampleSet) -> Self:
        """Those of samples whose thoughts were split off."""
        group = list(samples.samples)
        known = [sample for sample in group if sample.finish_reason is not None]
        cut = [sample for sample in known if str(sample.finish_reason).lower() in _CUT]
        return cls(
            samples=len(group),
            known=len(known),
            cut=len(cut),
            limit=max((sample.tokens for sample in cut if sample.tokens), default=None),
            thoughts=sum(s.thought is not None and not s.text.strip() for s in group),
        )
