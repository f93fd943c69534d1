"""A file of prompts, read by the layout that its content shows."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pytest_diversity.errors import DataError
from pytest_diversity.formats.containers import rows
from pytest_diversity.formats.layout import LeftOut, Record, recognise, told, within
from pytest_diversity.formats.prompts import LAYOUTS

__all__ = ["read_prompts", "title"]


def read_prompts(path: Path) -> Iterator[tuple[str, Record]]:
    """What a file says of each prompt, by the names of `Prompt`, with its place.

    Raises:
        DataError: It cannot be read, or a row is of no layout of prompts, or of another than those
            before it.
        MissingExtraError: It is Parquet, and what reads that is not installed.
    """
    layout, inside = None, None
    for row in rows(path):
        if layout is None:
            layout, inside = recognise(LAYOUTS, row.value) or (None, None)
        places: list[tuple[str, Any]] = [row]
        if inside is not None:
            places = [(f"{row.where}: {place}", one) for place, one in within(row.value, inside)]
        for where, value in places:
            if layout is None or not layout.fits(value):
                raise _unknown(where, value)
            for record in told(layout, where, value):
                if not isinstance(record, LeftOut):
                    yield where, record


def title(path: Path) -> str | None:
    """Which layout a file is read in, told from its first row; None for our own."""
    first = next(rows(path), None)
    found = recognise(LAYOUTS, first.value) if first is not None else None
    ours = next(iter(LAYOUTS)).title
    return found[0].title if found is not None and found[0].title != ours else None


def _unknown(where: str, row: Any) -> DataError:
    if not isinstance(row, dict):
        return DataError(f"{where}: not a JSON object", fix="one JSON object a line")
    seen = ", ".join(map(repr, row)) or "none"
    return DataError(
        f"{where}: the prompt has no text, or several; its keys: {seen}",
        fix='add "prompt": "...", or "messages": [...]',
    )
