"""Conversations whose last message is the answer: `messages`, or ShareGPT's `conversations`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pytest_diversity.formats.layout import ID, Layout, LeftOut, Record, scalar
from pytest_diversity.formats.messages import answer, asked, is_conversation, turns

_KEYS = ("messages", "conversations", "conversation")


def _fits(row: Any) -> bool:
    found = _conversation(row)
    return found is not None and len(found) > 1 and turns(found)[-1][0] == "assistant"


def _conversation(row: Any) -> list[Mapping[str, Any]] | None:
    if is_conversation(row):
        return list(row)
    given = [row[key] for key in _KEYS if key in row] if isinstance(row, Mapping) else []
    return given[0] if len(given) == 1 and is_conversation(given[0]) else None


def _read(row: Any) -> Iterator[Record | LeftOut]:
    messages = _conversation(row) or []
    *before, (_, text) = turns(messages)
    named = {ID: row[ID]} if isinstance(row, Mapping) and scalar(row.get(ID)) else {}
    yield {**named, **answer(messages[-1]), "prompt": asked(before), "text": text}


LAYOUT = Layout("chat messages", _fits, _read)
