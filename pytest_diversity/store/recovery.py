"""Saving what can be read of a damaged store.

SQLite refuses a table at the first damaged page. So every table is read from both of its ends, and
the samples draw by draw, until nothing more comes; what lies between is lost, and drawn anew.
"""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

from pytest_diversity.errors import StoreError
from pytest_diversity.store.sqlite import Drawn, Store

__all__ = ["is_damaged", "recover"]

_SIDES = ("", "-wal", "-shm")  # what belongs to a database in WAL mode
_LARGEST = 1 << 40  # bytes; a damaged head may claim anything


def is_damaged(path: Path) -> bool:
    """Whether SQLite finds anything wrong with the file; one that is not there is sound."""
    if not path.exists():
        return False
    try:
        with closing(_connect(path)) as connection:
            return bool(connection.execute("PRAGMA integrity_check").fetchone() != (b"ok",))
    except sqlite3.Error:
        return True


def recover(path: Path) -> str:
    """Move a damaged store aside and save what can be read of it into a new one.

    Returns:
        A line that says what was saved, and where the damaged file is.

    Raises:
        StoreError: The files cannot be moved or written.
    """
    if not is_damaged(path):
        return f"the store {path} is sound: there was nothing to recover"
    aside = _move(path)
    store = Store(path)
    with (
        tempfile.TemporaryDirectory(dir=path.parent) as folder,
        closing(_connect(_copy(aside, Path(folder)))) as damaged,
        closing(store),
    ):
        count = sum(_save(store, damaged, *draw) for draw in _draws(damaged))
        _save_memory(store, damaged)
    return f"{count} samples recovered into {path}; the damaged store is kept as {aside.name}"


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path)
    connection.text_factory = bytes  # damaged text is not always UTF-8
    return connection


def _move(path: Path) -> Path:
    numbers = (f"-{number}" if number else "" for number in range(10_000))
    aside = next(
        place for n in numbers if not (place := path.with_name(f"{path.name}.damaged{n}")).exists()
    )
    try:
        for side in _SIDES:
            source = path.with_name(path.name + side)
            if source.exists():
                source.rename(aside.with_name(aside.name + side))
    except OSError as error:
        raise StoreError(
            f"the damaged store {path} cannot be moved aside: {error.strerror}",
            fix="move it by hand, or name another file with --diversity-store",
        ) from None
    return aside


def _copy(path: Path, folder: Path) -> Path:
    """A copy to read, as long as its first page says: SQLite reads nothing of a shortened file."""
    copy = folder / "copy"
    for side in _SIDES:
        source = path.with_name(path.name + side)
        if source.exists():
            shutil.copyfile(source, copy.with_name(copy.name + side))
    with copy.open("r+b") as file:
        head = file.read(32)
        size = int.from_bytes(head[16:18], "big") * int.from_bytes(head[28:32], "big")
        if head.startswith(b"SQLite format 3") and copy.stat().st_size < size <= _LARGEST:
            file.truncate(size)  # the missing pages are zeros, which take no room on most disks
    return copy


def _draws(damaged: sqlite3.Connection) -> Iterator[tuple[int, str, str]]:
    for number, key, detail in _rows(damaged, "SELECT id, key, detail FROM draw", "id"):
        if isinstance(key, bytes) and isinstance(detail, bytes):
            yield number, key.decode("ascii", "replace"), detail.decode("utf-8", "replace")


def _save(store: Store, damaged: sqlite3.Connection, draw: int, key: str, detail: str) -> int:
    """Save the samples of one draw; how many."""
    columns = "number, text, finish_reason, tokens, logprob, typeof(text)"
    query = f"SELECT {columns} FROM sample WHERE draw = {int(draw)}"  # noqa: S608 - a number
    samples = [
        sample for row in _rows(damaged, query, "number") if (sample := _sample(row)) is not None
    ]
    if samples:
        store.add(key, detail, samples)
    return len(samples)


def _sample(row: tuple[Any, ...]) -> Drawn | None:
    """A sample if its row makes sense, None if it was overwritten."""
    number, text, reason, tokens, logprob, kind = row
    try:
        readable = text.decode("utf-8", "strict" if kind == b"text" else "surrogatepass")
        return Drawn(
            int(number),
            readable,
            None if reason is None else reason.decode("ascii"),
            None if tokens is None else int(tokens),
            None if logprob is None else float(logprob),
        )
    except (AttributeError, TypeError, ValueError):
        return None


def _save_memory(store: Store, damaged: sqlite3.Connection) -> None:
    rows = [
        (space.decode("utf-8", "replace"), name.decode("utf-8", "replace"), value)
        for space, name, value in _rows(
            damaged, "SELECT space, name, value FROM memory", "space, name"
        )
        if all(isinstance(part, bytes) for part in (space, name, value))
    ]
    with store.transaction() as connection:
        connection.executemany("INSERT OR IGNORE INTO memory VALUES (?, ?, ?)", rows)


def _rows(damaged: sqlite3.Connection, query: str, order: str) -> Iterator[tuple[Any, ...]]:
    """What `query` finds, from both ends of the order until the damage is met."""
    found: dict[tuple[Any, ...], tuple[Any, ...]] = {}
    width = len(order.split(","))
    for direction in ("ASC", "DESC"):
        by = ", ".join(f"{column} {direction}" for column in order.split(", "))
        try:
            for row in damaged.execute(f"{query} ORDER BY {by}"):
                found[row[:width]] = row
        except sqlite3.Error:
            continue
        break
    yield from found.values()
