"""HumanEval, and EvalPlus's HumanEval+ and MBPP+: `prompt`, `entry_point`, `test`, `base_input`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pytest_diversity.formats.asserts import inputs_of, is_json
from pytest_diversity.formats.layout import Layout, Record


def _fits(row: Any) -> bool:
    return (
        isinstance(row, Mapping)
        and {"task_id", "prompt", "entry_point"} <= row.keys()
        and bool({"test", "base_input"} & row.keys())
    )


def _read(row: Any) -> Iterator[Record]:
    known = {"prompt": row["prompt"], "id": row["task_id"], "entry_point": row["entry_point"]}
    test, given = row.get("test"), row.get("base_input")
    has_check = isinstance(test, str) and "def check(" in test
    if isinstance(given, list):
        inputs = [one for one in given if isinstance(one, list) and is_json(one)]
    else:
        inputs = inputs_of(test, "candidate") if has_check else []
    yield known | ({"check": test} if has_check else {}) | ({"inputs": inputs} if inputs else {})


LAYOUT = Layout("prompts of HumanEval", _fits, _read)
