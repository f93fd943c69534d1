"""Alpaca and AlpacaEval: an `instruction`, with an `input` or none; `output` is not asked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pytest_diversity.formats.columns import prompt_from
from pytest_diversity.formats.layout import Layout, Record


def _fits(row: Any) -> bool:
    return isinstance(row, Mapping) and isinstance(row.get("instruction"), str)


def _read(row: Any) -> Iterator[Record]:
    named = {"id": row["id"]} if row.get("id") is not None else {}
    yield {"prompt": prompt_from(row, "instruction"), **named}


LAYOUT = Layout("instructions as Alpaca has them", _fits, _read)
