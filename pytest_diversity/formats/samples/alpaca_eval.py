"""AlpacaEval: model outputs, `{"dataset", "instruction", "output", "generator"}`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pytest_diversity.formats.layout import NO_TEXT, Layout, LeftOut, Record


def _fits(row: Any) -> bool:
    return (
        isinstance(row, Mapping)
        and {"instruction", "output", "generator"} <= row.keys()
        and isinstance(row["instruction"], str)
    )


def _read(row: Any) -> Iterator[Record | LeftOut]:
    text = row["output"]
    yield {"prompt": row["instruction"], "text": text} if isinstance(text, str) else NO_TEXT


LAYOUT = Layout("outputs of AlpacaEval", _fits, _read, models="generator")
