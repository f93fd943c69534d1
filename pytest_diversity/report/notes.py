"""What must be said beside the values, a line each, wherever a run is told."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from pytest_diversity.events import Damaged, Drawn
from pytest_diversity.text import plural
from pytest_diversity.verdict import Verdict

__all__ = ["damage_lines", "drawing_line", "notes", "split_lines"]

_FEW = 3  # that are told one by one


def notes(
    verdicts: Sequence[Verdict], drawings: Sequence[Drawn], damages: Sequence[Damaged]
) -> list[str]:
    """Where samples came from, what was damaged, which part of a change moved, and the notes."""
    found = [*([drawing_line(drawings)] if drawings else []), *saving_lines(drawings)]
    found += [*damage_lines(damages), *split_lines(verdicts), *correction_lines(verdicts)]
    return [*found, *note_lines(verdicts)]


def note_lines(verdicts: Iterable[Verdict]) -> list[str]:
    """What must be said beside the values, each once, with where it holds."""
    verdicts, places = list(verdicts), dict[str, list[str]]()
    for verdict in verdicts:
        place = f"{verdict.domain} {verdict.family}"
        for note in verdict.notes:
            if place not in places.setdefault(note, []):
                places[note].append(place)
        if verdict.status == "unclear" or verdict.warned:
            places.setdefault(f"warning: {verdict.headline}: {verdict.status}", [])
    lines = [f"{', '.join(where)}: {note}" if where else note for note, where in places.items()]
    return list(_folded(lines, {one.checkpoint for one in verdicts if one.checkpoint}))


def _folded(lines: Iterable[str], checkpoints: Iterable[str]) -> Iterator[str]:
    """The lines; of many that say the same of other checkpoints the first, and how many they are.

    Those of warnings, which are on one budget each, are all there.
    """
    names = "|".join(map(re.escape, sorted(checkpoints, key=len, reverse=True)))
    varying = re.compile(rf"\b(?:{names})\b|\d+(?:\.\d+)?" if names else r"\d+(?:\.\d+)?")
    kinds: dict[str, list[str]] = {}
    for line in lines:
        kind = line if line.startswith("warning:") else varying.sub("#", line)
        kinds.setdefault(kind, []).append(line)
    for first, *others in kinds.values():
        if len(others) < _FEW:
            yield from (first, *others)
        else:
            yield f"{first} ({len(others)} more notes like this)"


def split_lines(verdicts: Iterable[Verdict]) -> list[str]:
    """Of each effective change of which a part surely moved, which one."""
    return [
        f"{one.domain} {one.family} ({one.checkpoint or one.label or 'samples'}): {moved}"
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
    met_lines = [f"damaged in the store, and made again: {', '.join(parts)}"] if parts else []
    if lost:
        met_lines.append(
            f"damaged in the store: the keys of {plural(lost, 'sample')}, which cannot be found; "
            "pytest --diversity-recover saves what is whole"
        )
    return met_lines


def correction_lines(verdicts: Iterable[Verdict]) -> list[str]:
    """Over how many bounds the error rate is kept."""
    names: dict[int, list[str]] = {}
    for name, count in {one.checkpoint: one.bounds for one in verdicts if one.bounds > 1}.items():
        names.setdefault(count, []).append(name)
    if not names:
        return []
    spread = ", ".join(_each(found, count) for count, found in names.items())
    return [f"Holm keeps 5 % false alarms over the bounds of a checkpoint: {spread}"]


def _each(checkpoints: Sequence[str], count: int) -> str:
    if len(checkpoints) > _FEW:
        return f"{count} each of {len(checkpoints)} checkpoints"
    return ", ".join(f"{name} {count}" for name in checkpoints)


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
