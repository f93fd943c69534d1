"""One object from prompts to lists of texts, as `measure` takes them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pytest_diversity.formats.columns import ANSWERS, PROMPTS
from pytest_diversity.formats.layout import NO_TEXT, Layout, LeftOut, Record


def _fits(row: Any) -> bool:
    return (
        isinstance(row, Mapping)
        and bool(row)
        and not row.keys() & {*PROMPTS, *ANSWERS}
        and all(
            isinstance(texts, list) and texts and all(isinstance(one, str | None) for one in texts)
            for texts in row.values()
        )
    )


def _read(row: Any) -> Iterator[Record | LeftOut]:
    for prompt, texts in row.items():
        for text in texts:
            yield NO_TEXT if text is None else {"prompt": prompt, "text": text}


LAYOUT = Layout("lists of texts by prompt", _fits, _read)
