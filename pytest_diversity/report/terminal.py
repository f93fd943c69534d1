"""The summary table and the lines under it."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Protocol

from pytest_diversity.events import Damaged, Drawn, Event, Judged
from pytest_diversity.text import columns, number, plural, visible
from pytest_diversity.verdict import Verdict

__all__ = [
    "correction_lines",
    "damage_lines",
    "drawing_line",
    "note_lines",
    "saving_lines",
    "split_lines",
    "summarise",
    "table",
]

_COLUMNS = ("checkpoint", "domain", "family", "value", "95% interval", "budget", "verdict", "n x K")
_MARKUP: Mapping[str, dict[str, bool]] = {
    "pass": {"green": True},
    "fail": {"red": True, "bold": True},
    "undefined": {"red": True},
    "unclear": {"yellow": True},
}


class Terminal(Protocol):
    """What pytest's terminal reporter can do."""

    def write_sep(self, sep: str, title: str) -> None:
        """Write a title between lines of `sep`."""

    def write_line(self, line: str, **markup: bool) -> None:
        """Write a line."""


def summarise(terminal: Terminal, events: Iterable[Event], said: Sequence[str] = ()) -> None:
    """Write the section of the summary: the table, where samples came from, and the notes.

    Args:
        terminal: Where to.
        events: What was drawn and judged.
        said: What the run left behind.
    """
    events = list(events)
    verdicts = [event.verdict for event in events if isinstance(event, Judged)]
    drawings = [event for event in events if isinstance(event, Drawn)]
    terminal.write_sep("=", "diversity")
    if verdicts:
        for line, markup in table(verdicts):
            terminal.write_line(line, **markup)
    for line in _along_runs(verdicts):
        terminal.write_line(line)
    lines = [*([drawing_line(drawings)] if drawings else []), *saving_lines(drawings)]
    lines += damage_lines(event for event in events if isinstance(event, Damaged))
    lines += [*split_lines(verdicts), *correction_lines(verdicts)]
    for line in [*lines, *note_lines(verdicts), *said]:
        terminal.write_line(visible(line))


def _along_runs(verdicts: Sequence[Verdict]) -> list[str]:
    """The curves of training runs, in ASCII where the terminal has nothing else."""
    if all(one.step is None for one in verdicts):
        return []
    from pytest_diversity.report.curves import BLOCKS, curve_lines, curves  # noqa: PLC0415 - not of every run

    encoding = getattr(sys.__stdout__, "encoding", None) or "ascii"  # past whatever captures it
    plain = not BLOCKS.encode(encoding, "ignore")
    return curve_lines(curves(verdicts), plain=plain)


def table(verdicts: Sequence[Verdict]) -> Iterator[tuple[str, dict[str, bool]]]:
    """Lines of the table, each with its markup for pytest's terminal writer."""
    head, *lines = map(visible, columns([_COLUMNS, *map(_row, verdicts)]))
    yield head, {"bold": True}
    for verdict, line in zip(verdicts, lines, strict=True):
        yield line, {"yellow": True} if verdict.warned else _MARKUP[verdict.status]


def note_lines(verdicts: Iterable[Verdict]) -> list[str]:
    """What must be said beside the values, each once, with where it holds."""
    places: dict[str, list[str]] = {}
    for verdict in verdicts:
        place = f"{verdict.domain} {verdict.family}"
        for note in verdict.notes:
            if place not in places.setdefault(note, []):
                places[note].append(place)
        if verdict.status == "unclear" or verdict.warned:
            places.setdefault(f"warning: {verdict.headline}: {verdict.status}", [])
    return [f"{', '.join(where)}: {note}" if where else note for note, where in places.items()]


def split_lines(verdicts: Iterable[Verdict]) -> list[str]:
    """Of each effective change of which a part surely moved, which one."""
    return [
        f"{one.domain} {one.family} ({one.checkpoint or 'samples'}): {moved}"
        for one in verdicts
        if (moved := one.moved)
    ]


def saving_lines(drawings: Iterable[Drawn]) -> list[str]:
    """How many samples looking at few of them first has saved."""
    used: dict[tuple[str, str], tuple[int, int]] = {}
    for one in drawings:
        place, count = (one.checkpoint, one.domain), one.prompts * one.count
        count = max(count, used.get(place, (0, 0))[0])
        used[place] = (count, one.prompts * one.most)
    spent, most = (sum(column) for column in zip(*used.values(), strict=True)) if used else (0, 0)
    if spent >= most:
        return []
    return [f"adaptive: {spent} of at most {most} samples used, {1 - spent / most:.0%} saved"]


def damage_lines(damages: Iterable[Damaged]) -> list[str]:
    """How much of the store is not what was written, in all processes that met it."""
    met = list(damages)
    samples, values = sum(one.samples for one in met), sum(one.values for one in met)
    lost = max((one.lost for one in met), default=0)
    parts = [f"{n} {what}" for n, what in ((samples, "samples"), (values, "other values")) if n]
    lines = [f"damaged in the store, and made again: {', '.join(parts)}"] if parts else []
    if lost:
        lines.append(
            f"damaged in the store: the keys of {plural(lost, 'sample')}, which cannot be found; "
            "pytest --diversity-recover saves what is whole"
        )
    return lines


def correction_lines(verdicts: Iterable[Verdict]) -> list[str]:
    """Over how many bounds the error rate is kept."""
    counts = {one.checkpoint: one.bounds for one in verdicts if one.bounds > 1}
    if not counts:
        return []
    spread = ", ".join(f"{name} {count}" for name, count in counts.items())
    return [f"Holm keeps 5 % false alarms over the bounds of a checkpoint: {spread}"]


def drawing_line(drawings: Sequence[Drawn]) -> str:
    """How many samples came from where."""
    drawn = sum(one.drawn for one in drawings)
    replayed = _distinct(one for one in drawings if one.replayed)
    stored = _distinct(one for one in drawings if not one.replayed) - drawn
    if drawn:
        parts = [f"{drawn} samples drawn", f"{stored} from the store"]
    elif stored:
        parts = [f"{stored} samples from the store", "none drawn"]
    else:
        parts = []
    return ", ".join([*parts, *([f"{replayed} samples replayed"] if replayed else [])])


def _distinct(drawings: Iterable[Drawn]) -> int:
    """Samples of all checkpoints and domains, whoever has read them and however often."""
    every: dict[tuple[str, str], int] = {}
    for one in drawings:  # of samples looked at in steps, the last look has all
        place, count = (one.checkpoint, one.domain), one.drawn + one.stored
        every[place] = max(count, every.get(place, 0))
    return sum(every.values())


def _row(verdict: Verdict) -> tuple[str, ...]:
    low, high = verdict.low, verdict.high
    status = verdict.status if verdict.level != "off" else "off"
    return (
        verdict.checkpoint or "-",
        verdict.domain,
        verdict.family,
        number(verdict.value),
        f"[{number(low)}, {number(high)}]" if low is not None else "-",
        verdict.budget or "-",
        f"{status} (warn)" if verdict.level == "warn" and status != "pass" else status,
        f"{verdict.prompts} x {verdict.samples}",
    )
