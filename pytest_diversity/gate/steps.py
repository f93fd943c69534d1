"""Looks at more and more samples of each prompt, until the verdict is clear.

Every look has its share of the error rate, and every bound of the checkpoint its share of that:
Bonferroni in place of Holm, which would need all bounds at the same look.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from pytest_diversity.gate.bounds import ALPHA, Gate
from pytest_diversity.gate.decide import OtherBounds
from pytest_diversity.statistics import sequential
from pytest_diversity.verdict import Verdict

__all__ = ["Look", "decide_in_steps"]

Look = Callable[[int, OtherBounds, float], Verdict]


def decide_in_steps(gate: Gate, others: OtherBounds, most: int, look: Look) -> Verdict:
    """The verdict of the first look that is clear, or of the last.

    Args:
        gate: What is decided.
        others: The other bounds of the checkpoint, of which only the number matters here.
        most: Samples of each prompt at the last look.
        look: Judges so many samples of each prompt, beside those bounds, at that error rate.
    """
    counts = sequential.counts(most)
    shares = tuple(count / most for count in counts)
    total = len(gate.bounds) + others.count
    breaking = sequential.levels(ALPHA / total, shares)
    keeping = sequential.levels(ALPHA, shares)
    unknown = OtherBounds.unknown(others.count)
    for count, broken, kept in zip(counts, breaking, keeping, strict=True):
        verdict = look(count, unknown, total * broken)
        if verdict.status == "fail" or (verdict.kept is not None and verdict.kept <= kept):
            break
    note = f"adaptive: decided at {count} of {most} samples a prompt"
    return replace(verdict, notes=(*verdict.notes, note))
