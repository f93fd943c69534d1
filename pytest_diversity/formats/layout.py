"""What a layout of rows is, and how its parts are found in them; nothing here reads a file."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any, NamedTuple, TypeAlias

from pytest_diversity.errors import DataError, unexpected

__all__ = [
    "ERROR",
    "ID",
    "NO_TEXT",
    "Layout",
    "LeftOut",
    "Read",
    "Record",
    "Row",
    "Table",
    "at",
    "recognise",
    "scalar",
    "told",
    "within",
]

Record: TypeAlias = Mapping[str, Any]  # by the names of `Sample`, or of `Prompt`
ID = "id"  # in a record of a sample: what its prompt is called where `prompt` is its text
_ABSENT = object()


class Row(NamedTuple):
    """A JSON value of a file, and where it stands as `path:line` or the like."""

    where: str
    value: Any


class LeftOut(NamedTuple):
    """In place of a record: why there is none, as in `3 rows have an error for an answer`."""

    reason: str


NO_TEXT = LeftOut("no text")
ERROR = LeftOut("an error in place of an answer")
Read: TypeAlias = Callable[[Any], Iterator[Record | LeftOut]]


@dataclass(frozen=True, slots=True)
class Layout:
    """How a tool writes its rows.

    Attributes:
        title: What the run says was recognised.
        fits: Whether a row is of this layout; it is asked of every row, whatever that may be.
        read: The records of a row that fits; a layout of prompts gives one.
        inside: Where the rows lie in a document that is no row itself: dotted paths.
        models: The dotted path to who answered, where a file may hold several.
        again: The dotted path to what differs where one answer is written several times.
    """

    title: str
    fits: Callable[[Any], bool]
    read: Read
    inside: tuple[str, ...] = ()
    models: str | None = None
    again: str | None = None


class Table(NamedTuple):
    """The layouts of one kind, the most particular first: modules of a package, loaded late."""

    package: str
    names: Sequence[str]

    def __iter__(self) -> Iterator[Layout]:  # type: ignore[override]
        """Each layout, loaded when it is its turn: most files are of the first one."""
        for name in self.names:
            layout: Layout = import_module(f"{self.package}.{name}").LAYOUT
            yield layout


def recognise(table: Table, value: Any) -> tuple[Layout, str | None] | None:
    """The first layout that a value is a row of, or has rows of at a path within; None if none."""
    for layout in table:
        if layout.fits(value):
            return layout, None
    for layout in table:
        for path in layout.inside:
            rows = [row for _, row in within(value, path)]
            if rows and layout.fits(rows[0]):
                return layout, path
    return None


def told(layout: Layout, where: str, row: Any) -> list[Record | LeftOut]:
    """The records of a row that fits.

    Raises:
        DataError: It is not as the tool writes its rows, whatever it is that is missing in it.
    """
    try:
        return list(layout.read(row))
    except DataError as error:
        raise DataError(f"{where}: {error.message}", fix=error.fix) from None
    except (AttributeError, LookupError, TypeError, ValueError) as error:
        raise DataError(
            f"{where}: not as {layout.title} are written ({unexpected(error)})",
            fix="write it again, or in another layout",
        ) from None


def within(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    """The rows of a list at a path, or of the lists of an object there, each with its place."""
    found = at(value, path)
    lists = found if isinstance(found, Mapping) else {"": found}
    for name, rows in lists.items():
        if isinstance(rows, list):
            yield from ((f"{path}{name and '.'}{name}[{n}]", row) for n, row in enumerate(rows))


def at(value: Any, path: str, default: Any = None) -> Any:
    """What stands at a path of keys and list indices such as `response.body.choices.0.text`.

    A key that itself has dots is found by its whole name.
    """
    if isinstance(value, Mapping) and path in value:
        return value[path]
    head, dot, rest = path.partition(".")
    found: Any = _ABSENT
    if isinstance(value, Mapping):
        found = value.get(head, _ABSENT)
    elif isinstance(value, list) and head.lstrip("-").isdigit() and -len(value) <= int(head):
        found = value[int(head)] if int(head) < len(value) else _ABSENT
    if found is _ABSENT:
        return default
    return at(found, rest, default) if dot else found


def scalar(value: Any) -> bool:
    """Whether it is a text or a number."""
    return isinstance(value, str | int | float) and not isinstance(value, bool)
