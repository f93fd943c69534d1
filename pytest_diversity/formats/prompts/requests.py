"""Requests of a batch, as OpenAI and vLLM read them: their results name them by `custom_id`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pytest_diversity.formats.layout import Layout, Record, at, scalar


def _fits(row: Any) -> bool:
    asks = any(at(row, f"body.{key}") is not None for key in ("messages", "prompt", "input"))
    return asks and isinstance(row, Mapping) and scalar(row.get("custom_id"))


def _read(row: Any) -> Iterator[Record]:
    body = row["body"]
    asked = body.get("messages") or body.get("prompt") or body["input"]
    yield {"id": row["custom_id"], "prompt" if isinstance(asked, str) else "messages": asked}


LAYOUT = Layout("requests of a batch", _fits, _read)
