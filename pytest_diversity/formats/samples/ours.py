"""Our own: `{"prompt": ..., "index": 0, "text": ...}`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pytest_diversity.formats.layout import NO_TEXT, Layout, LeftOut, Record

# With one of these beside it, `text` may be the prompt and the answer in one.
_OTHERS = {"completion", "generation", "output", "response"}


def _fits(row: Any) -> bool:
    if not isinstance(row, Mapping) or not {"prompt", "text"} <= row.keys():
        return False
    nested = isinstance(row["prompt"], list | dict) or isinstance(row["text"], list | dict)
    return not nested and ("index" in row or not _OTHERS & row.keys())


def _read(row: Any) -> Iterator[Record | LeftOut]:
    yield NO_TEXT if row["text"] is None else row


LAYOUT = Layout("samples of this plugin", _fits, _read)
