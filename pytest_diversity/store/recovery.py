"""Saving what can be read of a damaged store.

SQLite refuses a table at the first damaged page. So every table is read from both of its ends, and
the samples draw by draw, until nothing more comes; what lies between is lost, and drawn anew. So is
what does not fit its digest.
"""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

from pytest_diversity.errors import StoreError, reason_of
from pytest_diversity.store.locks import holding
from pytest_diversity.store.opening import FAULTS, connect_to_read
from pytest_diversity.store.rows import Drawn, digest, is_whole, read_samples, seed_of
from pytest_diversity.store.schema import has_digests
from pytest_diversity.store.sqlite import Store

__all__ = ["is_damaged", "recover"]

_UNREADABLE = (*FAULTS, MemoryError, OverflowError)
_LARGEST = 1 << 40  # bytes; a damaged head may claim anything


def is_damaged(path: Path) -> bool:
    """Whether SQLite or a digest finds anything wrong with it; one that is not there is sound.

    Raises:
        StoreError: It is another program's, or a later version's.
    """
    if not path.exists():
        return False
    try:
        with closing(connect_to_read(path).connection) as connection:
            sound = connection.execute("PRAGMA integrity_check").fetchone() == (b"ok",)
            return not sound or not _Rows(connection).whole
    except _UNREADABLE:
        return True


def recover(path: Path, say: Callable[[str], None] = lambda _: None) -> str:
    """Move a damaged store aside and save what can be read of it into a new one.

    Args:
        path: Of the store.
        say: Shows a line to a person: for whom it waits.

    Returns:
        A line that says what was saved, and where the damaged file is.

    Raises:
        StoreError: It is not a store of ours, or the files cannot be moved or written.
    """
    if not path.exists():
        return f"the store {path} is sound: there was nothing to recover"
    with holding(path.with_name(f"{path.name}.locks") / "recover.lock", "recovers the store", say):
        try:
            for left in path.parent.glob(f"{_unfinished(path)}*"):  # by one that was killed
                shutil.rmtree(left)
            if not is_damaged(path):
                return f"the store {path} is sound: there was nothing to recover"
            return _recover(path)
        except OSError as error:
            raise StoreError(
                f"the damaged store {path} cannot be recovered: {reason_of(error)}",
                fix="move it by hand, or name another file with --diversity-store",
            ) from None


def _recover(path: Path) -> str:
    """Put a whole new store in the place of the damaged one, which is there until then."""
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=_unfinished(path)) as name:
        store = Store(Path(name, "saved"))
        with closing(_connect(_copy(path, Path(name)))) as damaged, closing(store):
            count = _save(store, damaged)
        aside = _set_aside(path)
        store.path.replace(path)
    return f"{count} samples recovered into {path}; the damaged store is kept as {aside.name}"


def _unfinished(path: Path) -> str:
    """How the name of the folder begins in which a recovery works."""
    return f"{path.name}.recovering-"


def _save(store: Store, damaged: sqlite3.Connection) -> int:
    """Save everything that is whole; how many samples that is."""
    count = 0
    store.facts.update({})  # so that it is there, whatever was found
    with suppress(*_UNREADABLE):
        rows = _Rows(damaged)
        for number, key, detail in rows.draws():
            samples = rows.samples(number, key)
            count += len(samples)
            if samples:
                store.add(_text(key), _text(detail or b""), samples)
        with store.transaction() as connection:
            connection.executemany(
                "INSERT OR IGNORE INTO memory VALUES (?, ?, ?, ?)",
                [(_text(space), _text(name), *rest) for space, name, *rest in rows.values()],
            )
    return count


def _text(stored: bytes) -> str:
    return stored.decode("utf-8", "replace")


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path)
    connection.text_factory = bytes  # damaged text is not always UTF-8
    return connection


def _set_aside(path: Path) -> Path:
    """Give the damaged store a second name, and its log that name alone."""
    aside = _half_aside(path)
    if aside is None:
        numbers = (f"-{number}" if number else "" for number in range(10_000))
        places = (path.with_name(f"{path.name}.damaged{n}") for n in numbers)
        aside = next(place for place in places if not place.exists())
        try:
            aside.hardlink_to(path)
        except OSError:  # there are none on this disk
            shutil.copyfile(path, aside)
    log = _log_of(path)
    if log.exists():  # beside the new store it would be taken for its own
        log.rename(_log_of(aside))
    path.with_name(f"{path.name}-shm").unlink(missing_ok=True)
    return aside


def _half_aside(path: Path) -> Path | None:
    """The second name that a recovery has given it which was killed then."""
    names = path.parent.glob(f"{path.name}.damaged*")
    return next((name for name in names if name.samefile(path)), None)


def _log_of(path: Path) -> Path:
    """What was written last; SQLite makes everything else anew."""
    return path.with_name(f"{path.name}-wal")


def _copy(path: Path, folder: Path) -> Path:
    """A copy to read, as long as its first page says: SQLite reads nothing of a shortened file."""
    copy = folder / "copy"
    shutil.copyfile(path, copy)
    for log in map(_log_of, filter(None, (path, _half_aside(path)))):
        if log.exists():
            shutil.copyfile(log, _log_of(copy))
    with copy.open("r+b") as file:
        head = file.read(32)
        size = int.from_bytes(head[16:18], "big") * int.from_bytes(head[28:32], "big")
        if head.startswith(b"SQLite format 3") and copy.stat().st_size < size <= _LARGEST:
            file.truncate(size)  # the missing pages are zeros, which take no room on most disks
    return copy


class _Rows:
    """The rows of a store that may be damaged, as far as they can be read and are whole."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._checked = has_digests(connection)

    @property
    def whole(self) -> bool:
        """Whether nothing is damaged, and no sample lost what it answers."""
        strays = "SELECT 1 FROM sample WHERE draw NOT IN (SELECT id FROM draw)"
        counts = [
            self._connection.execute(f"SELECT COUNT(*) FROM {table}").fetchone()[0]  # noqa: S608
            for table in ("draw", "sample", "memory")
        ]
        draws = list(self.draws())
        found = [
            sum(detail is not None for _, _, detail in draws),
            sum(len(self.samples(number, key)) for number, key, _ in draws),
            sum(1 for _ in self.values()),
        ]
        return counts == found and self._connection.execute(strays).fetchone() is None

    def draws(self) -> Iterator[tuple[int, bytes, bytes | None]]:
        """Number, key and what the key stands for: without that, its samples are still whole."""
        for number, key, detail, found in self._read("id, key, detail", "draw", "id"):
            if isinstance(number, int) and isinstance(key, bytes):
                yield number, key, detail if self._fits(found, key, detail) else None

    def samples(self, draw: int, key: bytes) -> list[Drawn]:
        """The whole samples of a draw."""
        seed = seed_of(_text(key)) if self._checked else None
        columns = "number, text, finish_reason, tokens, logprob"
        rows = self._read(columns, f"sample WHERE draw = {draw}", "number")
        return list(read_samples(seed, rows)[0].values())

    def values(self) -> Iterator[tuple[bytes, bytes, bytes, int]]:
        """Space, name, value and digest of what is remembered."""
        for *row, found in self._read("space, name, value", "memory", "space, name"):
            if all(isinstance(part, bytes) for part in row) and self._fits(found, *row):
                space, name, value = row
                yield space, name, value, digest(*row)

    def _fits(self, found: int | None, *parts: object) -> bool:
        return not self._checked or is_whole(found, *parts)

    def _read(self, columns: str, table: str, order: str) -> Iterator[tuple[Any, ...]]:
        """The rows with their digest, from both ends of the order until the damage is met."""
        columns = f"{columns}, digest"
        if not self._checked:
            columns = columns.replace("digest", "NULL")
        seen: set[tuple[Any, ...]] = set()
        width = len(order.split(","))
        for direction in ("ASC", "DESC"):
            by = ", ".join(f"{column} {direction}" for column in order.split(", "))
            query = f"SELECT {columns} FROM {table} ORDER BY {by}"  # noqa: S608 - ours alone
            try:
                for row in self._connection.execute(query):
                    if row[:width] not in seen:
                        seen.add(row[:width])
                        yield row
            except _UNREADABLE:
                continue
            return
