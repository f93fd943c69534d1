"""The summary table and the lines under it."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Protocol

from pytest_diversity.events import Broken, Damaged, Drawn, Event, Judged, of
from pytest_diversity.report.notes import notes
from pytest_diversity.report.run import by_trouble, once_each
from pytest_diversity.report.table import cells, fitted, lines
from pytest_diversity.text import shorten, visible, wrap
from pytest_diversity.verdict import Verdict

__all__ = ["summarise", "table"]

_MARKUP: Mapping[str, dict[str, bool]] = {
    "pass": {"green": True},
    "fail": {"red": True, "bold": True},
    "undefined": {"red": True},
    "unclear": {"yellow": True},
}
_MESSAGE = 100  # characters of an error, which pytest shows whole


class Terminal(Protocol):
    """What pytest's terminal reporter can do."""

    def write_sep(self, sep: str, title: str) -> None:
        """Write a title between lines of `sep`."""

    def write_line(self, line: str, **markup: bool) -> None:
        """Write a line."""


def summarise(
    terminal: Terminal, events: Iterable[Event], said: Sequence[str] = (), room: int | None = None
) -> None:
    """Write the section of the summary: the table, where samples came from, and the notes.

    Args:
        terminal: Where to.
        events: What was drawn and judged.
        said: What the run left behind.
        room: How many columns the terminal has; None where it is none.
    """
    events = list(events)
    judged = by_trouble(once_each(of(Judged, events)))
    terminal.write_sep("=", "diversity")
    for line, markup in table(judged, room) if judged else ():
        terminal.write_line(line, **markup)
    for line in _along_runs([one.verdict for one in judged]):
        terminal.write_line(line)
    beside = notes([one.verdict for one in judged], of(Drawn, events), of(Damaged, events))
    said = [*broken_lines(of(Broken, events)), *beside, *said]
    for line in map(visible, said):
        for part in wrap(line, room) if room else [line]:
            terminal.write_line(part)


def _along_runs(verdicts: Sequence[Verdict]) -> list[str]:
    """The curves of training runs, in ASCII where the terminal has nothing else."""
    if all(one.step is None for one in verdicts):
        return []
    from pytest_diversity.report.curves import BLOCKS, curve_lines, curves  # noqa: PLC0415 - not of every run

    encoding = getattr(sys.__stdout__, "encoding", None) or "ascii"  # past whatever captures it
    plain = not BLOCKS.encode(encoding, "ignore")
    return curve_lines(curves(verdicts), plain=plain)


def table(judged: Sequence[Judged], room: int | None) -> Iterator[tuple[str, dict[str, bool]]]:
    """Lines of the table, each with its markup for pytest's terminal writer.

    Args:
        judged: What was judged, in the order of the rows.
        room: The columns of the terminal, which no line goes beyond; None for a line without end.
    """
    verdicts = [one.verdict for one in judged]
    whole = cells(verdicts)
    head, *rows = lines(fitted(whole, room) if room else whole)
    yield head, {"bold": True}
    for verdict, line in zip(verdicts, rows, strict=True):
        yield line, {"yellow": True} if verdict.warned else _MARKUP[verdict.status]


def broken_lines(broken: Iterable[Broken]) -> list[str]:
    """Tests of gates that have failed of something else than a verdict."""
    return [f"error: {one.test}: {shorten(one.message, _MESSAGE)}" for one in broken]
