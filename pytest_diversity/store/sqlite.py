"""The sample store: everything drawn, in one SQLite file, never drawn again.

Samples are kept under a key of all they depend on, beside two smaller memories: facts (digests of
files, what a device turned out to be) and embeddings. Every write is a transaction of its own, so
that a killed run loses at most what was in flight.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, MutableMapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import numpy as np
from filelock import FileLock
from numpy.typing import NDArray

from pytest_diversity.errors import StoreError

__all__ = ["SCHEMA", "CacheTable", "Drawn", "Store"]

SCHEMA = 1
_PATIENCE = 60.0  # seconds to wait for another process's transaction, which takes milliseconds
_TABLES = """
CREATE TABLE IF NOT EXISTS draw (id INTEGER PRIMARY KEY, key TEXT UNIQUE NOT NULL, detail TEXT);
CREATE TABLE IF NOT EXISTS sample (
    draw INTEGER NOT NULL REFERENCES draw, number INTEGER NOT NULL, text NOT NULL,
    finish_reason TEXT, tokens INTEGER, logprob REAL, PRIMARY KEY (draw, number)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS memory (
    space TEXT NOT NULL, name TEXT NOT NULL, value BLOB NOT NULL, PRIMARY KEY (space, name)
) WITHOUT ROWID;
"""
Result = TypeVar("Result")
Value = TypeVar("Value")


class Drawn(NamedTuple):
    """A sample as the store keeps it: without its prompt, which is part of its key."""

    number: int
    text: str
    finish_reason: str | None
    tokens: int | None
    logprob: float | None


class Store:
    """A store at a path; the file is made when something is first written or looked up."""

    def __init__(self, path: Path) -> None:
        """Point at `path`; touch nothing yet."""
        self.path = path
        self._connection: sqlite3.Connection | None = None
        self._writable = True
        self.facts: CacheTable[str] = CacheTable(self, "facts", str.encode, bytes.decode)

    @property
    def writable(self) -> bool:
        """Whether anything can be kept in it; one that cannot is still read."""
        self._open()
        return self._writable

    def close(self) -> None:
        """Close the file, if it was opened."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def samples(self, key: str) -> dict[int, Drawn]:
        """The samples under `key`, by number."""
        rows = self.rows(
            "SELECT number, sample.text, finish_reason, tokens, logprob"
            " FROM sample JOIN draw ON draw.id = sample.draw WHERE draw.key = ? ORDER BY number",
            key,
        )
        return {row[0]: Drawn(row[0], _text(row[1]), *row[2:]) for row in rows}

    def add(self, key: str, detail: str, samples: Iterable[Drawn]) -> None:
        """Keep `samples` under `key`; one that is there already stays as it is.

        Args:
            key: Digest of everything the samples depend on.
            detail: The same in readable form, as JSON.
            samples: What was drawn.

        Raises:
            StoreError: The disk is full or the file cannot be written.
        """
        rows = [(key, s.number, _plain(s.text), *s[2:]) for s in samples]
        with self.transaction() as connection:
            connection.execute(
                "INSERT OR IGNORE INTO draw (key, detail) VALUES (?, ?)", (key, detail)
            )
            connection.executemany(
                "INSERT OR IGNORE INTO sample"
                " SELECT id, ?2, ?3, ?4, ?5, ?6 FROM draw WHERE key = ?1",
                rows,
            )

    def embeddings(self, model: str) -> CacheTable[NDArray[np.float32]]:
        """The embeddings made by `model`, by the digest of their text."""
        return CacheTable(
            self,
            f"embeddings of {model}",
            lambda vector: vector.astype("<f4").tobytes(),
            lambda stored: np.frombuffer(stored, dtype="<f4"),
        )

    def executions(self, sandbox: str) -> CacheTable[str]:
        """What programs did in a sandbox of that fingerprint, as JSON, by their key."""
        return CacheTable(self, f"executions in {sandbox}", str.encode, bytes.decode)

    def lock(self, name: str) -> AbstractContextManager[object]:
        """A lock between processes, so that no two of them draw the same samples."""
        return self._lock(name) if self.writable else nullcontext()

    def _lock(self, name: str) -> FileLock:
        folder = self.path.with_name(f"{self.path.name}.locks")
        folder.mkdir(parents=True, exist_ok=True)
        return FileLock(folder / f"{name}.lock")

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
            if isinstance(error, sqlite3.Error):
                raise self._explain(error) from error
            raise

    def _abandon(self, connection: sqlite3.Connection) -> None:
        try:
            connection.rollback()
        except sqlite3.Error:
            self.close()

    def _guard(self, action: Callable[[], Result]) -> Result:
        try:
            return action()
        except sqlite3.Error as error:
            raise self._explain(error) from error

    def _open(self) -> sqlite3.Connection:
        if self._connection is None:
            self._connection = self._guard(self._connect)
        return self._connection

    def _connect(self) -> sqlite3.Connection:
        if self.path.is_file() and not _can_write(self.path):
            return self._connect_to_read()
        self._make_folder()
        connection = sqlite3.connect(self.path, timeout=_PATIENCE, isolation_level=None)
        if self._version(connection) < SCHEMA:
            self._create(connection)
        connection.execute("PRAGMA synchronous = NORMAL")  # safe under WAL, and no fsync a batch
        return connection

    def _connect_to_read(self) -> sqlite3.Connection:
        """Without locks and without a trace; what a writer left in its log is read with it."""
        self._writable = False
        log = self.path.with_name(f"{self.path.name}-wal")
        mode = "mode=ro" if log.exists() and log.stat().st_size else "immutable=1"
        connection = sqlite3.connect(
            f"{self.path.resolve().as_uri()}?{mode}", uri=True, isolation_level=None
        )
        self._version(connection)
        return connection

    def _version(self, connection: sqlite3.Connection) -> int:
        version = int(connection.execute("PRAGMA user_version").fetchone()[0])
        if version > SCHEMA:
            connection.close()
            raise StoreError(
                f"the store {self.path} is from a newer pytest-diversity (schema {version}, "
                f"this one reads {SCHEMA})",
                fix="upgrade pytest-diversity, or name another file with --diversity-store",
            )
        return version

    def _create(self, connection: sqlite3.Connection) -> None:
        """Make the tables; one process at a time, since entering WAL waits for no one."""
        with self._lock("create"):
            connection.execute("PRAGMA journal_mode = WAL")
            connection.executescript(_TABLES)
            connection.execute(f"PRAGMA user_version = {SCHEMA}")

    def _make_folder(self) -> None:
        folder = self.path.parent
        if folder.exists():
            return
        try:
            folder.mkdir(parents=True, exist_ok=True)  # another process may be as fast
            (folder / ".gitignore").write_text("# Made by pytest-diversity.\n*\n")
        except OSError as error:
            raise StoreError(
                f"the store's folder {folder} cannot be made: {error.strerror}",
                fix="name a writable file with --diversity-store",
            ) from error

    def _explain(self, error: sqlite3.Error) -> StoreError:
        reason = str(error)
        fixes = {
            "full": "free some space and run again: everything drawn before is kept",
            "readonly": "make it writable, or name another file with --diversity-store",
            "unable to open": "name a writable file with --diversity-store",
            "locked": "another process holds it; run again when that one is done",
            "malformed": "save what can be read of it: pytest --diversity-recover",
            "not a database": "if it was one, pytest --diversity-recover saves what can be read; "
            "else name another file with --diversity-store",
        }
        default = "move the file away, or name another one with --diversity-store"
        fix = next((fix for word, fix in fixes.items() if word in reason), default)
        return StoreError(f"the store {self.path} failed: {reason}", fix=fix)


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
        query = "SELECT value FROM memory WHERE space = ? AND name = ?"
        rows = self._store.rows(query, self._space, name)
        if not rows:
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
        return (name for (name,) in rows)

    def __len__(self) -> int:
        query = "SELECT COUNT(*) FROM memory WHERE space = ?"
        return int(self._store.rows(query, self._space)[0][0])

    def update(self, values: Mapping[str, Value]) -> None:  # type: ignore[override] # one form is enough
        """Write all `values` in one transaction."""
        if not self._store.writable:
            self._unwritten.update(values)
            return
        rows = [(self._space, name, self._encode(value)) for name, value in values.items()]
        with self._store.transaction() as connection:
            connection.executemany("INSERT OR REPLACE INTO memory VALUES (?, ?, ?)", rows)


def _can_write(path: Path) -> bool:
    """Whether SQLite can: it writes its log beside the file."""
    return os.access(path, os.W_OK) and os.access(path.parent, os.W_OK)


def _plain(text: str) -> str | bytes:
    """`text` for SQLite, which stores UTF-8: one with lone surrogates goes in as bytes."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogatepass")
    return text


def _text(stored: str | bytes) -> str:
    return stored if isinstance(stored, str) else stored.decode("utf-8", "surrogatepass")
