"""How numbers, names and tables are written wherever a person reads them."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

__all__ = ["columns", "number", "plural", "shorten", "visible"]

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


def columns(rows: Sequence[Sequence[str]]) -> list[str]:
    """A table with aligned columns; the first row is its head."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]
