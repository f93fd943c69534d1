"""inspect_ai: the samples of its logs, `.eval` (a zip of them) or `.json` (all in one)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pytest_diversity.formats.layout import ERROR, ID, Layout, LeftOut, Record, at
from pytest_diversity.formats.messages import answer, prompt_of

_ENDS = {"max_tokens": "length", "model_length": "length", "unknown": None}


def _fits(row: Any) -> bool:
    return isinstance(row, Mapping) and {"id", "epoch", "input", "output"} <= row.keys()


def _read(row: Any) -> Iterator[Record | LeftOut]:
    choices = at(row, "output.choices") or []
    if row.get("error") or not choices:
        yield ERROR
        return
    for choice in choices:
        reason = choice.get("stop_reason")
        yield {
            "prompt": prompt_of(row["input"]) or str(row["id"]),
            "finish_reason": _ENDS.get(reason, reason),
            ID: row["id"],
            **answer(choice["message"]),
        }


LAYOUT = Layout("a log of inspect_ai", _fits, _read, inside=("samples",), models="output.model")
