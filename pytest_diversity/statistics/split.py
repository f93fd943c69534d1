"""A change of effective diversity in two parts: quality control, and narrowing among valid answers.

Of a prompt, effective diversity is e = q d: the share of pairs that are both valid, times how much
such pairs differ. Its loss is the mean d times the loss of q, plus the mean q times the loss of d:
exact, and the same whichever side is called the first.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pytest_diversity.statistics.mean import Mean
from pytest_diversity.statistics.paired import FEWEST, paired_p

__all__ = ["Part", "split"]


@dataclass(frozen=True, slots=True)
class Part:
    """What one part of a loss comes to, over prompts.

    Attributes:
        loss: Mean over prompts, in the metric's units; negative for a gain.
        low: Lower end of its two-sided 95 % interval; None with fewer than two prompts.
        high: Upper end, likewise.
        p: One-sided p-value that there is no loss; None with too few prompts to tell.
    """

    loss: float
    low: float | None
    high: float | None
    p: float | None

    @classmethod
    def of(cls, losses: Sequence[float]) -> Part:
        """From the losses of each prompt."""
        mean = Mean.of(losses)
        low, high = mean.interval() or (None, None)
        return cls(mean.value, low, high, paired_p(losses) if len(losses) >= FEWEST else None)


def split(before: tuple[float, float], after: tuple[float, float]) -> tuple[float, float]:
    """What fewer valid answers, and what less diversity among them, took; both add up to the loss.

    Where a side has no valid pair nothing is seen of its diversity, which is then taken to be the
    other side's: the whole loss is one of quality. Losses are positive.

    Args:
        before: (e, q) of the reference, each in [0, 1].
        after: (e, q) of what is compared with it.
    """
    (old, old_quality), (new, new_quality) = before, after
    if not old_quality or not new_quality:
        return old - new, 0.0
    old_diversity, new_diversity = old / old_quality, new / new_quality
    quality = (old_diversity + new_diversity) / 2 * (old_quality - new_quality)
    return quality, (old_quality + new_quality) / 2 * (old_diversity - new_diversity)
