"""The summary table and the lines under it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pytest

from pytest_diversity.gate import number

__all__ = ["drawing_line", "note_lines", "summarise", "table"]

_COLUMNS = ("checkpoint", "domain", "family", "value", "95% interval", "budget", "verdict", "n x K")
_MARKUP: Mapping[str, dict[str, bool]] = {
    "pass": {"green": True},
    "fail": {"red": True, "bold": True},
    "undefined": {"red": True},
    "unclear": {"yellow": True},
}


def summarise(terminal: pytest.TerminalReporter, events: Sequence[Mapping[str, Any]]) -> None:
    """Write the section of the summary: the table, where samples came from, and the notes."""
    verdicts = [event for event in events if event["kind"] == "verdict"]
    drawings = [event for event in events if event["kind"] == "drawing"]
    terminal.write_sep("=", "diversity")
    if verdicts:
        for line, markup in table(verdicts):
            terminal.write_line(line, **markup)
    for line in [*([drawing_line(drawings)] if drawings else []), *note_lines(verdicts)]:
        terminal.write_line(line)


def table(verdicts: Sequence[Mapping[str, Any]]) -> Iterable[tuple[str, dict[str, bool]]]:
    """Lines of the table, each with its markup for pytest's terminal writer."""
    rows = [_row(verdict) for verdict in verdicts]
    widths = [max(map(len, column)) for column in zip(_COLUMNS, *rows, strict=True)]
    yield _line(_COLUMNS, widths), {"bold": True}
    for verdict, row in zip(verdicts, rows, strict=True):
        markup = _MARKUP[verdict["status"]]
        yield _line(row, widths), {"yellow": True} if _warned(verdict) else markup


def note_lines(verdicts: Iterable[Mapping[str, Any]]) -> list[str]:
    """What must be said beside the values, each once, with where it holds."""
    places: dict[str, list[str]] = {}
    for verdict in verdicts:
        place = f"{verdict['domain']} {verdict['family']}"
        for note in verdict["notes"]:
            if place not in places.setdefault(note, []):
                places[note].append(place)
        if verdict["status"] == "unclear" or _warned(verdict):
            places.setdefault(f"warning: {verdict['headline']}: {verdict['status']}", [])
    return [f"{', '.join(where)}: {note}" if where else note for note, where in places.items()]


def drawing_line(drawings: Sequence[Mapping[str, Any]]) -> str:
    """How many samples came from where."""
    drawn = sum(drawing["drawn"] for drawing in drawings)
    stored = sum(drawing["stored"] for drawing in drawings)
    if not drawn:
        return f"{stored} samples from the store, none drawn"
    return f"{drawn} samples drawn, {stored} from the store"


def _warned(verdict: Mapping[str, Any]) -> bool:
    return verdict["level"] != "error" and verdict["status"] in {"fail", "undefined"}


def _row(verdict: Mapping[str, Any]) -> tuple[str, ...]:
    low, high = verdict["low"], verdict["high"]
    status = verdict["status"] if verdict["level"] != "off" else "off"
    return (
        verdict["checkpoint"] or "-",
        verdict["domain"],
        verdict["family"],
        number(verdict["value"]),
        f"[{number(low)}, {number(high)}]" if low is not None else "-",
        verdict["budget"] or "-",
        f"{status} (warn)" if verdict["level"] == "warn" and status != "pass" else status,
        f"{verdict['prompts']} x {verdict['samples']}",
    )


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    padded = [cell.ljust(width) for cell, width in zip(cells, widths, strict=True)]
    return "  ".join(padded).rstrip()
