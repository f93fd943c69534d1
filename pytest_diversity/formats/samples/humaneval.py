"""HumanEval and EvalPlus: `task_id` with a `completion` of the prompt or a whole `solution`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pytest_diversity.formats.layout import NO_TEXT, Layout, LeftOut, Record, scalar

_ANSWERS = ("solution", "completion")


def _fits(row: Any) -> bool:
    if not isinstance(row, Mapping) or not scalar(row.get("task_id")):
        return False
    found = [row[key] for key in _ANSWERS if key in row]
    return len(found) == 1 and (found[0] is None or isinstance(found[0], str))


def _read(row: Any) -> Iterator[Record | LeftOut]:
    text = next(row[key] for key in _ANSWERS if key in row)
    yield NO_TEXT if text is None else {"prompt": row["task_id"], "text": text}


LAYOUT = Layout("samples of HumanEval or EvalPlus", _fits, _read, inside=("eval",))
