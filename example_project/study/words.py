"""How the study's tables are written."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypeAlias

from pytest_diversity import Estimate
from pytest_diversity.statistics.mean import Mean

Interval: TypeAlias = tuple[float | None, float | None] | None


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table in Markdown."""
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (head, ["---"] * len(head), *rows))


def level(one: Estimate) -> str:
    """`0.420 [0.310, 0.530]`."""
    return _shown(one.value, (one.low, one.high), ".3f")


def change(mean: Mean | None) -> str:
    """`+0.042 [-0.010, +0.094]`, or that there is none."""
    return _shown(mean.value, mean.interval(), "+.3f") if mean else "undefined"


def _shown(value: float | None, interval: Interval, form: str) -> str:
    if value is None:
        return "undefined"
    low, high = interval or (None, None)
    if low is None or high is None:
        return f"{value:{form}} [no interval]"
    return f"{value:{form}} [{low:{form}}, {high:{form}}]"
