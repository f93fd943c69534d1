"""A file or a folder of samples, read by the layout that its content shows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pytest_diversity.errors import DataError, some
from pytest_diversity.formats.containers import files, holds_rows, rows
from pytest_diversity.formats.layout import (
    ID,
    Layout,
    LeftOut,
    Record,
    Row,
    at,
    recognise,
    told,
    within,
)
from pytest_diversity.formats.samples import LAYOUTS
from pytest_diversity.samples import SampleSet, numbered

__all__ = ["Recording", "read_samples"]

_OURS = "ours"
_SHOWN = 3


@dataclass(frozen=True, slots=True)
class Recording:
    """Samples of a file, and what must be said of how they were read.

    Attributes:
        samples: All of them.
        ids: What a prompt is called, of those whose text is their name.
        notes: Which layout was recognised, where it is not ours, and what was left out.
    """

    samples: SampleSet
    ids: Mapping[str, str]
    notes: tuple[str, ...]


def read_samples(
    path: Path, chosen: Mapping[str, str] | None = None, only: Mapping[str, Any] | None = None
) -> Recording:
    """The samples of a file, or of all files of a folder.

    Args:
        path: Where they are.
        chosen: The place of each of our fields in a row, where its layout does not say it: a key,
            or a dotted path such as `response.choices.0.text`.
        only: What stands at a dotted path of each row that counts; the others are left out.

    Raises:
        DataError: Nothing there can be read, a row is none of its layout, or what is there cannot
            be told apart.
        MissingExtraError: A file is Parquet, and what reads that is not installed.
    """
    reading = _Reading(path, chosen or {}, only or {})
    samples = SampleSet(numbered(reading.records()))
    return Recording(samples, reading.ids, tuple(reading.notes()))


@dataclass
class _Reading:
    """What is known of a recording while it is read."""

    path: Path
    chosen: Mapping[str, str]
    only: Mapping[str, Any]
    layout: Layout | None = None
    first: Path | None = None
    rows: int = 0
    ids: dict[str, str] = field(default_factory=dict)
    left_out: Counter[str] = field(default_factory=Counter)
    models: dict[str, None] = field(default_factory=dict)
    others: list[Path] = field(default_factory=list)
    seen: dict[str, set[str]] = field(default_factory=dict)

    def records(self) -> Iterator[tuple[str, Record]]:
        """Each sample by our names, with its place."""
        unread: DataError | None = None
        for file in files(self.path):
            if self.path.is_dir() and not holds_rows(file):
                self.others.append(file)
                continue
            try:
                yield from self._of_file(file)
            except _UnknownError as error:
                if not self.path.is_dir():
                    raise
                unread = unread or error
                self.others.append(file)
        if unread and self.layout is None:
            raise unread
        self._check_chosen()

    def _of_file(self, file: Path) -> Iterator[tuple[str, Record]]:
        layout, inside, again = None, None, None
        for row in rows(file, finite=False):
            if layout is None:
                layout, inside = self._recognise(file, row)
                self._same(file, layout)
            for where, value in _rows(row, inside):
                if not layout.fits(value):
                    raise _unlike(layout, where, value)
                self.rows += 1
                if layout.again is not None:
                    again = at(value, layout.again) if again is None else again
                if layout.again is not None and at(value, layout.again) != again:
                    self.left_out[f"the answer of another row, for another {layout.again}"] += 1
                elif self._counts(value):
                    yield from self._read(layout, where, value)
        if layout is None and self.path.is_dir():
            self.others.append(file)

    def _recognise(self, file: Path, row: Row) -> tuple[Layout, str | None]:
        found = None if "text" in self.chosen else recognise(LAYOUTS, row.value)
        if self.chosen:
            from pytest_diversity.formats import mapped  # noqa: PLC0415 - where a map is given

            if found is not None:
                return mapped.over(found[0], self.chosen), found[1]
            if "text" in self.chosen:
                return mapped.layout(self.chosen), mapped.inside(self.chosen, row.value)
        if found is None:
            from pytest_diversity.formats.columns import why_none  # noqa: PLC0415 - for an error

            reason, fix = why_none(row.value, file.name)
            raise _UnknownError(f"{row.where}: no known layout of samples; {reason}", fix=fix)
        return found

    def _same(self, file: Path, layout: Layout) -> None:
        """Refuse a folder of several layouts: they can hardly be of one checkpoint."""
        if self.layout is not None and self.layout.title != layout.title:
            raise DataError(
                f"{self.path} has files of two layouts: {self.first} ({self.layout.title}) and "
                f"{file} ({layout.title})",
                fix="name one file, or a folder with one of them",
            )
        self.layout, self.first = layout, self.first or file

    def _counts(self, row: Any) -> bool:
        """Whether a row is among those that were asked for."""
        for path, wanted in self.only.items():
            found = str(at(row, path))
            self.seen.setdefault(path, set()).add(found)
            if found != str(wanted):
                self.left_out[f"another {path} than {wanted}"] += 1
                return False
        return True

    def _read(self, layout: Layout, where: str, row: Any) -> Iterator[tuple[str, Record]]:
        if layout.models is not None and (model := at(row, layout.models)):
            self.models[str(model)] = None
            self._check_models(layout.models)
        for record in told(layout, where, row):
            if isinstance(record, LeftOut):
                self.left_out[record.reason] += 1
                continue
            if ID in record:
                self.ids[str(record["prompt"])] = str(record[ID])
            yield where, record

    def _check_models(self, where: str) -> None:
        """Refuse the answers of several models as those of one."""
        if len(self.models) > 1 and where not in self.only:
            one, other = self.models
            raise DataError(
                f"{self.path} has answers of several models: {one!r} and {other!r}",
                fix=f'choose one: replay = {{ path = "{self.path.name}", '
                f'only = {{ "{where}" = "{one}" }} }}',
            )

    def _check_chosen(self) -> None:
        """Refuse a choice that nothing fits."""
        for path, wanted in self.only.items():
            if self.rows and str(wanted) not in self.seen.get(path, {str(wanted)}):
                found = some(map(repr, self.seen[path]))
                raise DataError(
                    f"{self.path}: no row has {str(wanted)!r} as its {path}", fix=f"it has {found}"
                )

    def notes(self) -> Iterator[str]:
        """Which layout it is, where it is not ours, and what was left out."""
        if self.layout is not None and self.layout.title != next(iter(LAYOUTS)).title:
            yield f"{self.path.name}: read as {self.layout.title}"
        for reason, count in self.left_out.items():
            yield f"{self.path.name}: {count} left out of {self.rows} rows: {reason}"
        if self.others:
            names = some((str(one.relative_to(self.path)) for one in self.others), _SHOWN)
            yield f"{self.path.name}: no samples in {names}"


def _unlike(layout: Layout, where: str, row: Any) -> DataError:
    from pytest_diversity.formats.columns import why_none  # noqa: PLC0415 - for an error

    reason, _ = why_none(row, "")
    return DataError(
        f"{where}: not of the layout of the rows before it ({layout.title}); {reason}",
        fix="write all rows in one way, or say it with map = {...}",
    )


class _UnknownError(DataError):
    """The first row of a file is of no layout that is known."""


def _rows(row: Row, inside: str | None) -> Iterator[tuple[str, Any]]:
    """A row itself, or those that lie in a document."""
    if inside is None:
        yield row
    else:
        yield from ((f"{row.where}: {place}", one) for place, one in within(row.value, inside))
