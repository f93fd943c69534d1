"""The sample store: everything drawn, in one SQLite file, never drawn again.

Samples are kept under a key of all they depend on, beside smaller memories: facts (digests of
files, what a device turned out to be), embeddings, scores, and what programs did. Every write is a
transaction of its own, so that a killed run loses at most what was in flight. A row that is not
what was written is missing.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, MutableMapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from pytest_diversity.store.census import count_lost
from pytest_diversity.store.locks import holding
from pytest_diversity.store.opening import FAULTS, connect, explained
from pytest_diversity.store.rows import (
    Drawn,
    digest,
    is_whole,
    read_samples,
    sample_row,
    seed_of,
)
from pytest_diversity.store.schema import SCHEMA

__all__ = ["SCHEMA", "CacheTable", "Drawn", "Losses", "Store"]

_INSERT = (
    "INSERT OR IGNORE INTO sample (draw, number, text, finish_reason, tokens, logprob, digest)"
    " SELECT id, ?, ?, ?, ?, ?, ? FROM draw WHERE key = ?"
)
Result = TypeVar("Result")
Value = TypeVar("Value")


class Losses(NamedTuple):
    """Damaged rows that count as missing.

    Attributes:
        samples: Samples that were met.
        values: Facts, embeddings and outcomes that were met.
        lost: Samples that are in the file, and that no key leads to any more.
    """

    samples: int
    values: int
    lost: int = 0


class Store:
    """A store at a path; the file is made when something is first written or looked up."""

    def __init__(self, path: Path, say: Callable[[str], None] = lambda _: None) -> None:
        """Point at `path`; touch nothing yet.

        Args:
            path: Of the file.
            say: Shows a line to a person: for whom it waits.
        """
        self.path = path
        self._say = say
        self._connection: sqlite3.Connection | None = None
        self._writable = True
        self._checked = True
        self._damaged_samples: set[tuple[str, object]] = set()
        self._damaged_values: set[tuple[str, str]] = set()
        self._lost: int | None = None  # not counted yet
        self._told = Losses(0, 0)
        self.facts: CacheTable[str] = CacheTable(self, "facts", str.encode, bytes.decode)

    @property
    def writable(self) -> bool:
        """Whether anything can be kept in it; one that cannot is still read."""
        self._open()
        return self._writable

    @property
    def checked(self) -> bool:
        """Whether its rows have digests: those of an old store that can only be read have none."""
        self._open()
        return self._checked

    def close(self) -> None:
        """Close the file, if it was opened."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def losses(self) -> Losses:
        """The damaged rows that were met since this was last asked, each once."""
        met = Losses(len(self._damaged_samples), len(self._damaged_values), self._lost or 0)
        told, self._told = self._told, met
        return Losses(*(now - before for now, before in zip(met, told, strict=True)))

    def samples(self, key: str) -> dict[int, Drawn]:
        """The samples under `key`, by number; damaged ones are left out and counted."""
        columns = "digest" if self.checked else "NULL"
        rows = self.rows(
            f"SELECT number, text, finish_reason, tokens, logprob, {columns}"  # noqa: S608 - ours
            " FROM sample WHERE draw = (SELECT id FROM draw WHERE key = ?) ORDER BY number",
            key,
        )
        seed = seed_of(key) if self._checked else None
        whole, damaged = read_samples(seed, rows)
        self._damaged_samples.update((key, number) for number in damaged)
        return whole

    def numbers(self, key: str) -> set[int]:
        """The numbers of the samples under `key`, damaged ones included; cheaper than these."""
        query = "SELECT number FROM sample WHERE draw = (SELECT id FROM draw WHERE key = ?)"
        return {number for (number,) in self.rows(query, key)}

    def add(self, key: str, detail: str, samples: Iterable[Drawn]) -> None:
        """Keep `samples` under `key`; one that is there already stays, unless it is damaged.

        Args:
            key: Digest of everything the samples depend on.
            detail: The same in readable form, as JSON.
            samples: What was drawn.

        Raises:
            StoreError: The disk is full or the file cannot be written.
        """
        seed = seed_of(key)
        rows = [(*sample_row(seed, sample), key) for sample in samples]
        checked = digest(key.encode(), detail.encode())
        with self.transaction() as connection:
            if self._lost is None:  # some are missing: they may be there, under a damaged key
                self._lost = count_lost(connection)
            connection.execute(
                "INSERT OR IGNORE INTO draw (key, detail, digest) VALUES (?, ?, ?)",
                (key, detail, checked),
            )
            if connection.executemany(_INSERT, rows).rowcount < len(rows):
                self._remove_damaged(connection, key)
                connection.executemany(_INSERT, rows)

    def _remove_damaged(self, connection: sqlite3.Connection, key: str) -> None:
        """What was damaged makes room for what was drawn again."""
        whole = self.samples(key)
        query = "SELECT draw, number FROM sample WHERE draw = (SELECT id FROM draw WHERE key = ?)"
        places = connection.execute(query, (key,)).fetchall()
        connection.executemany(
            "DELETE FROM sample WHERE draw = ? AND number = ?",
            [(draw, number) for draw, number in places if number not in whole],
        )

    def is_whole(self, space: str, name: str, value: object, checked: int | None) -> bool:
        """Whether a value of a memory is what was written; one that is not is counted."""
        whole = not self._checked or is_whole(checked, space.encode(), name.encode(), value)
        if not whole:
            self._damaged_values.add((space, name))
        return whole

    def embeddings(self, model: str) -> CacheTable[NDArray[np.float32]]:
        """The embeddings made by `model`, by the digest of their text."""
        return CacheTable(
            self,
            f"embeddings of {model}",
            lambda vector: vector.astype("<f4").tobytes(),
            lambda stored: np.frombuffer(stored, dtype="<f4"),
        )

    def scores(self, judge: str) -> CacheTable[float]:
        """The scores that `judge`, with its version, gave, by the digest of prompt and text."""
        return CacheTable(
            self,
            f"scores of {judge}",
            lambda score: repr(score).encode(),
            float,
        )

    def executions(self, sandbox: str) -> CacheTable[str]:
        """What programs did in a sandbox of that fingerprint, as JSON, by their key."""
        return CacheTable(self, f"executions in {sandbox}", str.encode, bytes.decode)

    def lock(self, name: str, purpose: str = "works") -> AbstractContextManager[object]:
        """A lock between processes, so that no two of them draw the same samples.

        Args:
            name: What one of them at a time may use; a part of a file's name.
            purpose: What it is held for, for those who wait: "draws the samples of base".
        """
        return self._lock(name, purpose) if self.writable else nullcontext()

    def _lock(self, name: str, purpose: str) -> AbstractContextManager[object]:
        folder = self.path.with_name(f"{self.path.name}.locks")
        return holding(folder / f"{name}.lock", purpose, self._say)

    def rows(self, query: str, *values: str) -> list[tuple[Any, ...]]:
        """What `query` finds."""
        return self._guard(lambda: self._open().execute(query, values).fetchall())

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """A transaction that is kept whole or not at all."""
        connection = self._open()
        self._guard(lambda: connection.execute("BEGIN IMMEDIATE"))
        try:
            yield connection
            connection.commit()
        except BaseException as error:
            self._abandon(connection)
            if isinstance(error, FAULTS):
                raise explained(self.path, error) from error
            raise

    def _abandon(self, connection: sqlite3.Connection) -> None:
        try:
            connection.rollback()
        except sqlite3.Error:
            self.close()

    def _guard(self, action: Callable[[], Result]) -> Result:
        try:
            return action()
        except FAULTS as error:
            raise explained(self.path, error) from error

    def _open(self) -> sqlite3.Connection:
        if self._connection is None:
            opened = self._guard(lambda: connect(self.path, self._lock))
            self._connection, self._writable, self._checked = opened
        return self._connection


class CacheTable(MutableMapping[str, Value]):
    """A mapping kept in the store; what is in it only saves work, and may be lost."""

    def __init__(
        self,
        store: Store,
        space: str,
        encode: Callable[[Value], bytes],
        decode: Callable[[bytes], Value],
    ) -> None:
        """Hold the values of `space`, written as bytes."""
        self._store = store
        self._space = space
        self._encode = encode
        self._decode = decode
        self._unwritten: dict[str, Value] = {}  # of a store that can only be read

    def __getitem__(self, name: str) -> Value:
        if name in self._unwritten:
            return self._unwritten[name]
        checked = "digest" if self._store.checked else "NULL"
        rows = self._store.rows(
            f"SELECT value, {checked} FROM memory WHERE space = ? AND name = ?",  # noqa: S608 - ours
            self._space,
            name,
        )
        if not rows or not self._store.is_whole(self._space, name, *rows[0]):
            raise KeyError(name)
        return self._decode(rows[0][0])

    def __setitem__(self, name: str, value: Value) -> None:
        self.update({name: value})

    def __delitem__(self, name: str) -> None:
        with self._store.transaction() as connection:
            connection.execute(
                "DELETE FROM memory WHERE space = ? AND name = ?", (self._space, name)
            )

    def __iter__(self) -> Iterator[str]:
        rows = self._store.rows("SELECT name FROM memory WHERE space = ?", self._space)
        return (name.decode("utf-8", "replace") for (name,) in rows)

    def __len__(self) -> int:
        query = "SELECT COUNT(*) FROM memory WHERE space = ?"
        return int(self._store.rows(query, self._space)[0][0])

    def update(self, values: Mapping[str, Value]) -> None:  # type: ignore[override] # one form is enough
        """Write all `values` in one transaction."""
        if not self._store.writable:
            self._unwritten.update(values)
            return
        rows = [self._row(name, self._encode(value)) for name, value in values.items()]
        with self._store.transaction() as connection:
            connection.executemany("INSERT OR REPLACE INTO memory VALUES (?, ?, ?, ?)", rows)

    def _row(self, name: str, value: bytes) -> tuple[str, str, bytes, int]:
        return self._space, name, value, digest(self._space.encode(), name.encode(), value)
