"""NoveltyBench: `generations.jsonl`, `{"id", "prompt", "model", "generations": [...]}`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pytest_diversity.formats.layout import ID, NO_TEXT, Layout, LeftOut, Record


def _fits(row: Any) -> bool:
    return (
        isinstance(row, Mapping)
        and "id" in row
        and isinstance(row.get("prompt"), str)
        and isinstance(row.get("generations"), list)
    )


def _read(row: Any) -> Iterator[Record | LeftOut]:
    for text in row["generations"]:
        known = {"prompt": row["prompt"], "text": text, ID: row["id"]}
        yield known if isinstance(text, str) else NO_TEXT


LAYOUT = Layout("generations of NoveltyBench", _fits, _read, models="model")
