"""MBPP: `text` (sanitized: `prompt`), `code`, `test_list`; asserts become the check."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from textwrap import indent
from typing import Any

from pytest_diversity.formats.asserts import inputs_of, tested
from pytest_diversity.formats.layout import Layout, Record

_TEXTS = ("prompt", "text")


def _fits(row: Any) -> bool:
    return (
        isinstance(row, Mapping)
        and {"task_id", "code", "test_list"} <= row.keys()
        and any(isinstance(row.get(key), str) for key in _TEXTS)
    )


def _read(row: Any) -> Iterator[Record]:
    text = next(row[key] for key in _TEXTS if isinstance(row.get(key), str))
    tests = [*row["test_list"], *row.get("challenge_test_list", ())]
    asserts = "\n".join(tests)
    shown = "\n".join(row["test_list"])  # as its authors ask: without them, no name is known
    asked = f"{text}\nYour code should pass these tests:\n\n{shown}"
    known = {"prompt": asked, "id": row["task_id"]}
    name = tested(asserts, row["code"])
    if name is None:
        yield known
        return
    before = "\n".join([*row.get("test_imports", ()), row.get("test_setup_code", "")]).strip()
    body = indent(f"{name} = candidate\n{asserts}", "    ")
    inputs = inputs_of(asserts, name)
    yield {
        **known,
        "entry_point": name,
        "check": f"{before}\ndef check(candidate):\n{body}\n".lstrip(),
        **({"inputs": inputs} if inputs else {}),
    }


LAYOUT = Layout("prompts of MBPP", _fits, _read)
