"""GSM8K: a `question`, and an `answer` whose last line is `#### 42`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pytest_diversity.formats.layout import Layout, Record

_MARK = "####"


def _fits(row: Any) -> bool:
    return (
        isinstance(row, Mapping)
        and isinstance(row.get("question"), str)
        and isinstance(row.get("answer"), str)
        and _MARK in row["answer"]
    )


def _read(row: Any) -> Iterator[Record]:
    answer = row["answer"].rpartition(_MARK)[2].strip()
    yield {"prompt": row["question"], "answer": answer}


LAYOUT = Layout("questions of GSM8K", _fits, _read)
