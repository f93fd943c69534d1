"""Rows of a layout of one's own: `map` says where each of our fields stands."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pytest_diversity.errors import DataError
from pytest_diversity.formats.columns import columns, prompt_from, records
from pytest_diversity.formats.layout import Layout, LeftOut, Record, at, scalar, within
from pytest_diversity.formats.messages import prompt_of

__all__ = ["inside", "layout", "over"]

_ABSENT = object()
_LISTS = ("samples", "results.results", "results", "data", "rows", "examples", "outputs")


def layout(chosen: Mapping[str, str]) -> Layout:
    """The layout of rows whose answer is at `chosen["text"]`; the usual columns are the rest."""

    def read(row: Any) -> Iterator[Record | LeftOut]:
        named = _named(row, {key: path for key, path in chosen.items() if key != "text"})
        if "prompt" not in named:
            prompts, _ = columns({key: row[key] for key in row if key != chosen["text"]})
            if len(prompts) != 1:
                raise DataError(
                    f"map does not say which is the prompt of {', '.join(map(repr, row))}",
                    fix='add it: map = { prompt = "..." }',
                )
            named["prompt"] = prompt_from(row, prompts[0])
        yield from records(_required(row, "text", chosen["text"]), named)

    return Layout("rows by its map", lambda row: isinstance(row, Mapping), read)


def over(known: Layout, chosen: Mapping[str, str]) -> Layout:
    """A known layout, some fields of which stand elsewhere."""

    def read(row: Any) -> Iterator[Record | LeftOut]:
        named = _named(row, chosen)
        for record in known.read(row):
            yield record if isinstance(record, LeftOut) else {**record, **named}

    return Layout(
        known.title, known.fits, read, known.inside, models=known.models, again=known.again
    )


def inside(chosen: Mapping[str, str], document: Any) -> str | None:
    """Where the rows lie in a document that is no row itself."""
    if at(document, chosen["text"], _ABSENT) is not _ABSENT:
        return None
    for path in _LISTS:
        rows = [row for _, row in within(document, path)]
        if rows and at(rows[0], chosen["text"], _ABSENT) is not _ABSENT:
            return path
    return None


def _named(row: Any, chosen: Mapping[str, str]) -> dict[str, Any]:
    found = {key: _required(row, key, path) for key, path in chosen.items()}
    if "prompt" in found and not scalar(found["prompt"]):
        found["prompt"] = prompt_of(found["prompt"])
    return found


def _required(row: Any, key: str, path: str) -> Any:
    found = at(row, path, _ABSENT)
    if found is _ABSENT:
        raise DataError(
            f'map says {key} = "{path}", and a row has no such key; '
            f"its keys: {', '.join(map(repr, row))}",
            fix="a nested one is written with dots, as response.choices.0.text",
        )
    return found
