"""ShareGPT: `conversations`, of which the answers after the last question are left out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pytest_diversity.formats.layout import Layout, Record
from pytest_diversity.formats.messages import is_conversation, turns


def _fits(row: Any) -> bool:
    return isinstance(row, Mapping) and is_conversation(row.get("conversations"))


def _read(row: Any) -> Iterator[Record]:
    said = list(turns(row["conversations"]))
    while said and said[-1][0] == "assistant":
        said.pop()
    named = {"id": row["id"]} if row.get("id") is not None else {}
    yield {"messages": [{"role": role, "content": text} for role, text in said], **named}


LAYOUT = Layout("conversations of ShareGPT", _fits, _read)
