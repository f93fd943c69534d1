"""One column of prompts by a usual name; a short `answer` beside it is the right one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pytest_diversity.formats.columns import columns, prompt_from
from pytest_diversity.formats.layout import Layout, Record, scalar

_NAMES = ("id", "question_id", "prompt_id", "task_id")


def _fits(row: Any) -> bool:
    prompts, answers = columns(row)
    if not prompts and answers == ["text"]:
        prompts = answers
    return len(prompts) == 1 and prompt_from(row, prompts[0]) is not None


def _read(row: Any) -> Iterator[Record]:
    key = (columns(row)[0] or ["text"])[0]
    named = [{"id": row[name]} for name in _NAMES if scalar(row.get(name))][:1]
    right = {"answer": row["answer"]} if scalar(row.get("answer")) else {}
    yield {"prompt": prompt_from(row, key), **right, **(named[0] if named else {})}


LAYOUT = Layout("a column of prompts", _fits, _read, inside=("data", "rows", "prompts", "examples"))
