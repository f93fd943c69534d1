"""Our own: `{"prompt": ...}` or `{"messages": [...]}`, and what else a `Prompt` has."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from difflib import SequenceMatcher
from typing import Any

from pytest_diversity.errors import DataError
from pytest_diversity.formats.layout import Layout, Record

KEYS = (
    *("prompt", "id", "group", "entry_point", "inputs", "check", "messages", "prefill", "answer"),
)
_TESTED = {"test", "test_list", "base_input"}  # beside a prompt as HumanEval and MBPP write it
_ALIKE = 0.85  # of the letters of two words: one is a slip of the pen for the other


def _fits(row: Any) -> bool:
    return (
        isinstance(row, Mapping)
        and bool({"prompt", "messages"} & row.keys())
        and not _TESTED & row.keys()
    )


def _read(row: Any) -> Iterator[Record]:
    for key in row:
        slips = [own for own in KEYS if key != own and own not in row and _alike(key, own)]
        if key not in KEYS and slips:
            raise DataError(
                f"unknown key {key!r}", fix=f"did you mean {slips[0]!r}? Else give it another name"
            )
    yield {key: value for key, value in row.items() if key in KEYS and value is not None}


def _alike(one: str, other: str) -> bool:
    return SequenceMatcher(None, one, other).ratio() > _ALIKE


LAYOUT = Layout("prompts of this plugin", _fits, _read)
