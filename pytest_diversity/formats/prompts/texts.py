"""A JSON array of texts, each a prompt."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pytest_diversity.formats.layout import Layout, Record


def _fits(row: Any) -> bool:
    return isinstance(row, str)


def _read(row: Any) -> Iterator[Record]:
    yield {"prompt": row}


LAYOUT = Layout("a list of texts", _fits, _read)
