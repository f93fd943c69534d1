"""promptfoo: `promptfoo eval --output results.json`, or `.jsonl`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from pytest_diversity.formats.layout import ERROR, Layout, LeftOut, Record, at
from pytest_diversity.formats.messages import prompt_of


def _fits(row: Any) -> bool:
    return isinstance(at(row, "prompt.raw"), str) and bool({"response", "error"} & row.keys())


def _read(row: Any) -> Iterator[Record | LeftOut]:
    output = at(row, "response.output")
    if output is None:  # `error` alone may be an assertion's, of an answer that is there
        yield ERROR
        return
    text = output if isinstance(output, str) else json.dumps(output, ensure_ascii=False)
    reason = at(row, "response.finishReason")
    yield {"prompt": prompt_of(row["prompt"]["raw"]), "text": text, "finish_reason": reason}


LAYOUT = Layout(
    "results of promptfoo",
    _fits,
    _read,
    inside=("results.results", "results"),
    models="provider.id",
)
