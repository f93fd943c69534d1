"""deepeval: test runs, evaluation results and data sets, with `actual_output` or `actualOutput`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pytest_diversity.formats.layout import NO_TEXT, Layout, LeftOut, Record

_ANSWERS = ("actualOutput", "actual_output")


def _fits(row: Any) -> bool:
    return (
        isinstance(row, Mapping)
        and isinstance(row.get("input"), str)
        and any(key in row for key in _ANSWERS)
    )


def _read(row: Any) -> Iterator[Record | LeftOut]:
    text = next(row[key] for key in _ANSWERS if key in row)
    yield {"prompt": row["input"], "text": text} if isinstance(text, str) else NO_TEXT


LAYOUT = Layout(
    "results of deepeval",
    _fits,
    _read,
    inside=("testRunData.testCases", "testCases", "test_results", "test_cases", "goldens"),
)
