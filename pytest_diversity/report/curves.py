"""Along a training run: a family of a domain by step, and where it broke its budget."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from html import escape

from pytest_diversity.report.table import interval
from pytest_diversity.text import columns, number, shorten, visible
from pytest_diversity.verdict import Difference, Status, Verdict

__all__ = ["BLOCKS", "Curve", "Point", "curve_lines", "curves", "markdown", "sparkline"]

_WORST_FIRST: tuple[Status, ...] = ("fail", "undefined", "unclear", "pass")
_HEAD = ("run", "domain", "family", "by step", "first → last", "budget")
_STEPS = ("step", "value", "95% interval", "change", "verdict")
BLOCKS = "▁▂▃▄▅▆▇█"  # from the lowest value to the highest
_GAP = "·"
_PLAIN = str.maketrans(
    {**dict(zip(BLOCKS, "_.:-=+*#", strict=True)), _GAP: "?", "→": "->", "…": "~"}
)
_LONGEST, _SHORTEST = 24, 6  # of a sparkline
_NAME = 8  # the least of a name that is shown
_CELL = 60


@dataclass(frozen=True, slots=True)
class Point:
    """A family of a domain at one step.

    Attributes:
        step: Of the run.
        checkpoint: Its name.
        value: The estimate, None where it is undefined.
        low: Lower end of its two-sided 95 % interval; None with fewer than two prompts.
        high: Upper end, likewise.
        change: What became of it since the reference; None where it is compared with none.
        status: Of its budget.
    """

    step: int
    checkpoint: str
    value: float | None
    low: float | None
    high: float | None
    change: Difference | None
    status: Status


@dataclass(frozen=True, slots=True)
class Curve:
    """A metric of a domain along a training run; never over domains.

    Attributes:
        run: Its name: the one before the pattern that its checkpoints match.
        domain: The domain's name.
        family: The family.
        metric: Its canonical name.
        points: By step, two or more.
        limits: What the bounds of the budget allow, by name, in the units of the metric: `min` and
            `max` are levels, `max_drop` and the like are distances from the reference's value.
        judged: Whether the budget is more than measured.
    """

    run: str
    domain: str
    family: str
    metric: str
    points: Sequence[Point]
    limits: Mapping[str, float] = field(default_factory=dict)
    judged: bool = True

    @property
    def broken(self) -> int | None:
        """The first step that broke the budget; None where none did, or none was asked for."""
        return self._first("fail") if self.judged else None

    @property
    def state(self) -> str:
        """What became of its budget, in a few words: `broken at step 600`."""
        if not self.judged:
            return "-"
        words = {"fail": "broken", "undefined": "undefined", "unclear": "unclear"}
        found = ((word, self._first(status)) for status, word in words.items())
        return next((f"{word} at step {step}" for word, step in found if step is not None), "kept")

    def _first(self, status: str) -> int | None:
        return next((point.step for point in self.points if point.status == status), None)


def curves(verdicts: Iterable[Verdict]) -> list[Curve]:
    """The curves of a run's verdicts, in the order in which they were first judged.

    Of a checkpoint that was judged more than once by one metric, the worst verdict counts.
    """
    found: dict[tuple[str, str, str, str], dict[int, Verdict]] = {}
    for one in verdicts:
        if one.step is not None:
            steps = found.setdefault((one.run, one.domain, one.family, one.metric), {})
            steps[one.step] = min(steps.get(one.step, one), one, key=_severity)
    return [
        Curve(
            *key,
            points=[_point(steps[step]) for step in sorted(steps)],
            limits={name: limit for one in steps.values() for name, limit in one.limits.items()},
            judged=any(one.limits and one.level != "off" for one in steps.values()),
        )
        for key, steps in found.items()
        if len(steps) > 1
    ]


def _severity(verdict: Verdict) -> int:
    return _WORST_FIRST.index(verdict.status)


def _point(one: Verdict) -> Point:
    step = one.step or 0
    return Point(step, one.checkpoint, one.value, one.low, one.high, one.change, one.status)


def sparkline(points: Sequence[Point], longest: int = _LONGEST) -> str:
    """The values as blocks of eight heights, at most `longest`, the first and the last among them.

    The lowest stands for the lowest end of an interval and the highest for the highest, so that
    what moves no further than its noise looks flat.
    """
    chosen = _evenly(points, longest)
    ends = [end for p in chosen for end in (p.low, p.value, p.high) if end is not None]
    low, high = min(ends, default=0.0), max(ends, default=0.0)
    return "".join(_block(point.value, low, high) for point in chosen)


def _evenly(points: Sequence[Point], count: int) -> Sequence[Point]:
    if len(points) <= count:
        return points
    return [points[round(i * (len(points) - 1) / (count - 1))] for i in range(count)]


def _block(value: float | None, low: float, high: float) -> str:
    if value is None:
        return _GAP
    share = (value - low) / (high - low) if high > low else 0.5
    return BLOCKS[min(len(BLOCKS) - 1, int(share * len(BLOCKS)))]


def curve_lines(found: Sequence[Curve], width: int = 80, *, plain: bool = False) -> list[str]:
    """A table with a line for each curve; none without any.

    Where it is too wide sparklines are shortened first, then names.

    Args:
        found: The curves.
        width: How many characters a line may have.
        plain: Whether the stream takes ASCII alone.
    """
    if not found:
        return []
    lines: list[str] = []
    for spark, name in ((_LONGEST, width), (_SHORTEST, width), (_SHORTEST, _NAME)):
        rows = [_HEAD, *(_row(one, spark, name) for one in found)]
        if plain:
            rows = [tuple(cell.translate(_PLAIN) for cell in row) for row in rows]
        lines = columns(rows)
        if max(map(len, lines)) <= width:
            break
    return lines


def _row(curve: Curve, spark: int, name: int) -> tuple[str, ...]:
    return (
        shorten(curve.run, name),
        shorten(curve.domain, name),
        curve.family,
        sparkline(curve.points, spark),
        _ends(curve),
        curve.state,
    )


def _ends(curve: Curve) -> str:
    values = [point.value for point in curve.points if point.value is not None]
    return f"{number(values[0])} → {number(values[-1])}" if values else "undefined"


def markdown(found: Sequence[Curve]) -> list[str]:
    """Lines of a table of the curves and, folded, of one of the steps of each; none without any."""
    if not found:
        return []
    every = _table(_HEAD, [_row(one, _LONGEST, _CELL) for one in found])
    return [*every, *(line for one in found for line in _folded(one))]


def _folded(curve: Curve) -> list[str]:
    title = f"{curve.run}: {curve.domain} {curve.family}, {curve.metric}"
    rows = [
        (
            str(point.step),
            number(point.value),
            interval(point.low, point.high),
            _moved(point.change),
            point.status if curve.judged else "-",
        )
        for point in curve.points
    ]
    summary = f"<details><summary>{_cell(title)}</summary>"
    return ["", summary, "", *_table(_STEPS, rows), "", "</details>"]


def _moved(change: Difference | None) -> str:
    if change is None:
        return "-"
    return f"{change.value:+.3f} {interval(change.low, change.high)} from {change.reference}"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    lines = [head, ["---"] * len(head), *(map(_cell, row) for row in rows)]
    return [f"| {' | '.join(cells)} |" for cells in lines]


def _cell(text: str) -> str:
    """`text` as it is: neither its table's borders nor markup."""
    line = visible(" ".join(text.split()))
    return re.sub(r"([\\`*_\[\]|~])", r"\\\1", escape(line, quote=False))
