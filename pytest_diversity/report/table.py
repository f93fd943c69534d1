"""The table of verdicts, as plain cells: what is in it, and what goes where there is no room."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

from pytest_diversity.text import columns, cut, number, shorten, signed, squeeze, visible, width
from pytest_diversity.verdict import Verdict

__all__ = ["Table", "cells", "fitted", "interval", "lines", "status_of", "worst_prompt"]

Table: TypeAlias = Mapping[
    str, Sequence[str]
]  # columns by name; the first cell of each is its head

_NAME = 24  # characters of a prompt's or a reference's name
_GAP = 2  # between columns
# What goes first where a line is too long for a terminal: a column that is cut down to so many
# places, or left out. Whose value it is, of what, and the verdict always stay.
_NARROWER = (
    *(("worst", 10), ("worst", 0), ("size", 0), ("budget", 24), ("interval", 0)),
    *(("checkpoint", 14), ("domain", 14), ("budget", 12), ("budget", 0), ("checkpoint", 8)),
    *(("domain", 8), ("spread", 0), ("change", 0), ("value", 0), ("domain", 4)),
    ("checkpoint", 4),
)
_PARTS = {"max_quality_loss": "quality", "max_narrowing": "narrowing"}
_SHORTER: Mapping[str, Callable[[str, int], str]] = {"checkpoint": squeeze}  # else `cut`


def cells(verdicts: Sequence[Verdict]) -> Table:
    """The whole table; without the columns on changes where nothing has a reference."""
    references = {one.change.reference for one in verdicts if one.change}
    only = shorten(references.pop(), _NAME) if len(references) == 1 else None
    found: dict[str, Sequence[str]] = {
        "checkpoint": ["checkpoint", *(visible(one.name) for one in verdicts)],
        "domain": ["domain", *(visible(one.domain) for one in verdicts)],
        "family": ["family", *(one.family for one in verdicts)],
        "value": ["value", *(number(one.value) for one in verdicts)],
        "interval": ["95% interval", *(interval(one.low, one.high) for one in verdicts)],
        "change": [f"vs {only}" if only else "change", *(_change(one, only) for one in verdicts)],
        "spread": ["95% interval", *map(_spread, verdicts)],
        "worst": ["worst prompt", *map(worst_prompt, verdicts)],
        "budget": ["budget", *(visible(one.budget) or "-" for one in verdicts)],
        "verdict": ["verdict", *map(status_of, verdicts)],
        "size": ["n x K", *(f"{one.prompts} x {one.samples}" for one in verdicts)],
    }
    empty = set() if only or references else {"change", "spread"}
    return {name: column for name, column in found.items() if name not in empty}


def lines(table: Table) -> list[str]:
    """The table with aligned columns; the first line is its head."""
    return columns(list(zip(*table.values(), strict=True)))


def fitted(table: Table, room: int) -> Table:
    """The table in lines of at most `room` columns of a terminal, as far as that can be."""
    natural = {name: max(map(width, column)) for name, column in table.items()}
    widths = dict(natural)
    for name, least in _NARROWER:
        if _total(widths) <= room:
            break
        if name in widths:
            widths[name] = min(widths[name], least)
    for name, wanted in natural.items():
        if 0 < widths[name] < wanted:  # what was cut takes what is left
            spare = max(0, room - _total(widths))
            widths[name] = min(wanted, widths[name] + spare)
    return {
        name: [_SHORTER.get(name, cut)(cell, widths[name]) for cell in column]
        for name, column in table.items()
        if widths[name]
    }


def _total(widths: Mapping[str, int]) -> int:
    shown = [one for one in widths.values() if one]
    return sum(shown) + _GAP * (len(shown) - 1)


def status_of(verdict: Verdict) -> str:
    """The status of a verdict, with its level where that takes something from it."""
    status = verdict.status if verdict.level != "off" else "off"
    return f"{status} (warn)" if verdict.level == "warn" and status != "pass" else status


def interval(low: float | None, high: float | None, shown: Callable[[float], str] = number) -> str:
    """Both ends, or `-` where there is none."""
    return "-" if low is None or high is None else f"[{shown(low)}, {shown(high)}]"


def worst_prompt(verdict: Verdict) -> str:
    """The prompt that speaks loudest against a checkpoint, with its change or its value."""
    name, change = verdict.worst, verdict.change
    if name is None:
        return "-"
    if change is not None and name in change.per_prompt:
        return f"{shorten(name, _NAME)} {signed(change.per_prompt[name])}"
    return f"{shorten(name, _NAME)} {number(verdict.per_prompt.get(name))}"


def _change(verdict: Verdict, only: str | None) -> str:
    change = verdict.change
    if change is None:
        return "-"
    part = _guarded(verdict)
    moved = signed(change.value) if part is None else f"{part} {signed(_fell(verdict, part)[0])}"
    return moved + ("" if only else f" vs {shorten(change.reference, _NAME)}")


def _spread(verdict: Verdict) -> str:
    change, part = verdict.change, _guarded(verdict)
    if change is None:
        return "-"
    return interval(
        *((change.low, change.high) if part is None else _fell(verdict, part)[1:]), signed
    )


def _guarded(verdict: Verdict) -> str | None:
    """The part of a change that a budget is on, where it is on no whole change.

    Of two parts the one that is nearer to its bound: the interval of the whole would say something
    else than the verdict does.
    """
    bounds = {part: verdict.limits[name] for name, part in _PARTS.items() if name in verdict.limits}
    if not bounds or not verdict.split or {"max_drop", "max_rise"} & verdict.limits.keys():
        return None
    return max(bounds, key=lambda part: (verdict.split[part]["loss"] or 0.0) - bounds[part])


def _fell(verdict: Verdict, part: str) -> tuple[float, float | None, float | None]:
    """A part of a change with its interval; a loss is a fall."""
    loss, low, high = (verdict.split[part][name] for name in ("loss", "low", "high"))
    return -(loss or 0.0), None if high is None else -high, None if low is None else -low
