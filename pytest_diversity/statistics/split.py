"""A change of effective diversity in two parts: quality control, and narrowing among valid answers.

Of a prompt, effective diversity is e = q d: the share of pairs that are both valid, times how much
such pairs differ. Its loss is the mean d times the loss of q, plus the mean q times the loss of d:
exact, and the same whichever side is called the first.
"""

from __future__ import annotations

__all__ = ["split"]


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
