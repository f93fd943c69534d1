"""Workflow commands by which GitHub shows a verdict at the line of its budget."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from pytest_diversity.events import Broken, Event, Judged, of
from pytest_diversity.files import checkout_of
from pytest_diversity.report.run import by_trouble, once_each, trouble
from pytest_diversity.text import visible

__all__ = ["annotate"]

_LEVELS = {"failed": "error", "warned": "warning", "unclear": "warning"}


def annotate(events: Iterable[Event], root: Path) -> Iterator[str]:
    """A line for each verdict that asks for attention, and for each gate without one.

    Args:
        events: What was judged; GitHub shows the first ten of a kind, so the worst come first.
        root: What the paths of the events are relative to.
    """
    events, checkout = list(events), checkout_of(root)
    for one in by_trouble(once_each(of(Judged, events))):
        level, verdict = _LEVELS.get(trouble(one)), one.verdict
        if level is not None:
            text = verdict.message if level == "error" else verdict.headline
            place = _place(root / one.file, checkout)
            yield _command(level, place, one.line, f"diversity {verdict.status}", text)
    for error in of(Broken, events):
        place = _place(root / error.file, checkout)
        yield _command("error", place, error.line, "diversity error", error.message)


def _place(path: Path, checkout: Path) -> str:
    inside = path.is_relative_to(checkout)
    return (path.relative_to(checkout) if inside else path).as_posix()


def _command(level: str, file: str, line: int, title: str, message: str) -> str:
    said = {"file": file, "line": str(line), "title": title}
    place = ",".join(f"{name}={_escaped(value, ':,')}" for name, value in said.items())
    return f"::{level} {place}::{_escaped(message)}"


def _escaped(text: str, also: str = "") -> str:
    """As the runner reads it back: the per cent sign, line ends, and what parts properties."""
    text = visible(text).replace("%", "%25")
    for character in f"\r\n{also}":
        text = text.replace(character, f"%{ord(character):02X}")
    return text
