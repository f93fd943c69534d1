"""How numbers, names and tables are written wherever a person reads them."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

__all__ = [
    "columns",
    "cut",
    "number",
    "plural",
    "shorten",
    "signed",
    "squeeze",
    "visible",
    "width",
    "wrap",
]

# What a terminal obeys or does not show, but for the two that every text has: control characters,
# bidi overrides and zero widths, halves of surrogate pairs, unassigned ones; other line breaks.
_UNSEEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
_LAYOUT = "\n\t"


def number(value: float | None) -> str:
    """Three significant digits."""
    if value is None:
        return "undefined"
    if abs(value) >= 1000:
        return f"{value:.0f}"
    return f"{value:#.3g}".rstrip(".") if value else "0.000"


def signed(value: float) -> str:
    """Three significant digits, with the sign of a change."""
    return f"{'+' if value > 0 else ''}{number(value)}"


def plural(count: int, noun: str) -> str:
    """`1 prompt`, `2 prompts`."""
    return f"{count} {noun}{'s' * (count != 1)}"


def visible(text: str) -> str:
    r"""`text` with every character escaped that a terminal would obey or hide, as in `\x1b`.

    All foreign text passes here before a person sees it: what models, servers and files say.
    """
    return "".join(map(_escaped, text)) if not text.isprintable() else text


def _escaped(character: str) -> str:
    if character in _LAYOUT or unicodedata.category(character) not in _UNSEEN:
        return character
    return character.encode("unicode_escape").decode()


def shorten(text: str, room: int) -> str:
    """`text` on one line of at most `room` characters, with an ellipsis where it was cut."""
    line = visible(" ".join(text.split()))
    return line if len(line) <= room else f"{line[: max(0, room - 1)]}…"


def width(text: str) -> int:
    """How many columns of a terminal a visible text takes; a Chinese character takes two."""
    if text.isascii():
        return len(text)
    return sum(map(_width, text))


def _width(character: str) -> int:
    if unicodedata.category(character) in {"Mn", "Me"}:
        return 0  # it stands upon the letter before
    return 2 if unicodedata.east_asian_width(character) in {"W", "F"} else 1


def cut(text: str, room: int) -> str:
    """A line in at most `room` columns of a terminal, with an ellipsis where it was cut."""
    if width(text) <= room:
        return text
    kept = text
    while kept and width(kept) >= room:
        kept = kept[:-1]
    return f"{kept}…"[:room]


def squeeze(text: str, room: int) -> str:
    """As `cut`, in the middle: names of one run differ at their ends."""
    if width(text) <= room:
        return text
    tail = text
    while tail and width(tail) > 2 * (room - 1) // 3:
        tail = tail[1:]
    return cut(text, room - width(tail)) + tail


def wrap(line: str, room: int) -> list[str]:
    """Lines of at most `room` columns of a terminal, all but the first one indented.

    They end between words, or within one that is longer than a line.
    """
    lines, now = [], ""
    for word in re.findall(r"\s*\S+", line):
        if now and width(now + word) > room:
            lines.append(now)
            now = f"  {word.lstrip()}"
        else:
            now += word
        while width(now) > room:
            head = next(end for end in range(len(now), 0, -1) if width(now[:end]) <= room)
            lines.append(now[:head])
            now = f"  {now[head:]}"
    return [*lines, now]


def columns(rows: Sequence[Sequence[str]]) -> list[str]:
    """A table with aligned columns; the first row is its head."""
    widths = [max(map(width, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(
            cell + " " * (room - width(cell)) for cell, room in zip(row, widths, strict=True)
        ).rstrip()
        for row in rows
    ]
