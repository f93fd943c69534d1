"""The tables of a store: made, taken over from an older one, or refused where they are not ours."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from pathlib import Path

from pytest_diversity.errors import StoreError
from pytest_diversity.store.rows import digest, digest_of, seed_of

__all__ = ["SCHEMA", "has_digests", "is_current", "prepare", "refuse_foreign"]

SCHEMA = 2
# "div" and the schema: what `file` and other programs know us by, and a version is believed with.
_MARK = 0x64697600
_TABLES = """
CREATE TABLE IF NOT EXISTS draw (
    id INTEGER PRIMARY KEY, key TEXT UNIQUE NOT NULL, detail TEXT, digest INTEGER
);
CREATE TABLE IF NOT EXISTS sample (
    draw INTEGER NOT NULL REFERENCES draw, number INTEGER NOT NULL, text NOT NULL,
    finish_reason TEXT, tokens INTEGER, logprob REAL, digest INTEGER,
    PRIMARY KEY (draw, number)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS memory (
    space TEXT NOT NULL, name TEXT NOT NULL, value BLOB NOT NULL, digest INTEGER,
    PRIMARY KEY (space, name)
) WITHOUT ROWID
"""
# What they were in schema 1; each has had a digest since.
_OLD: Mapping[str, frozenset[str]] = {
    "draw": frozenset({"id", "key", "detail"}),
    "sample": frozenset({"draw", "number", "text", "finish_reason", "tokens", "logprob"}),
    "memory": frozenset({"space", "name", "value"}),
}


def is_current(connection: sqlite3.Connection) -> bool:
    """Whether the file says that it is one of ours, of this schema."""
    return _marks(connection) == (SCHEMA, _MARK + SCHEMA)


def refuse_foreign(connection: sqlite3.Connection, path: Path) -> None:
    """Refuse another program's database, and a store that a later version has written.

    Older stores have no mark, and in a damaged one it may be wrong: then its tables are looked at.
    An empty file may become ours.

    Raises:
        StoreError: It is not for us to read.
    """
    version, mark = _marks(connection)
    if mark != _MARK + version:
        tables = _tables(connection)
        known = all(columns - {"digest"} == _OLD.get(name) for name, columns in tables.items())
        if not (known if tables else mark == 0):
            raise StoreError(
                f"the store {path} is a database of another program",
                fix="name another file with --diversity-store",
            )
    elif version > SCHEMA:
        raise StoreError(
            f"the store {path} is from a newer pytest-diversity (schema {version}, "
            f"this one reads {SCHEMA})",
            fix="upgrade pytest-diversity, or name another file with --diversity-store",
        )


def has_digests(connection: sqlite3.Connection) -> bool:
    """Whether the rows have them; those of a store that could not be taken over do not."""
    return "digest" in _tables(connection).get("sample", frozenset({"digest"}))


def prepare(connection: sqlite3.Connection) -> None:
    """Make the tables, or give those of an older store what they lack; all of it or nothing."""
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("BEGIN IMMEDIATE")
    try:
        for name, columns in _tables(connection).items():
            if "digest" not in columns:
                _take_over(connection, name)
        for table in _TABLES.split(";"):
            connection.execute(table)
        connection.execute(f"PRAGMA user_version = {SCHEMA}")
        connection.execute(f"PRAGMA application_id = {_MARK + SCHEMA}")
        connection.commit()
    except BaseException:
        connection.rollback()
        raise


def _take_over(connection: sqlite3.Connection, table: str) -> None:
    connection.execute(f"ALTER TABLE {table} ADD COLUMN digest INTEGER")
    {"draw": _draws, "sample": _samples, "memory": _memory}[table](connection)


def _draws(connection: sqlite3.Connection) -> None:
    rows = connection.execute("SELECT id, key, detail FROM draw").fetchall()
    connection.executemany(
        "UPDATE draw SET digest = ? WHERE id = ?",
        [(digest(key, detail), number) for number, key, detail in rows],
    )


def _samples(connection: sqlite3.Connection) -> None:
    """Draw by draw, for all of them may not fit into memory; what cannot be read gets none."""
    for draw, key in connection.execute("SELECT id, key FROM draw").fetchall():
        rows = connection.execute(
            "SELECT number, text, finish_reason, tokens, logprob FROM sample WHERE draw = ?",
            (draw,),
        )
        seed = seed_of(key.decode("utf-8", "replace"))
        connection.executemany(
            "UPDATE sample SET digest = ? WHERE draw = ? AND number = ?",
            [(digest_of(seed, row), draw, row[0]) for row in rows.fetchall()],
        )


def _memory(connection: sqlite3.Connection) -> None:
    """In SQLite, since embeddings may not fit into memory."""
    connection.create_function("digest_of", 3, digest, deterministic=True)
    parts = ", ".join(f"CAST({column} AS BLOB)" for column in ("space", "name", "value"))
    connection.execute(f"UPDATE memory SET digest = digest_of({parts})")  # noqa: S608 - our columns


def _tables(connection: sqlite3.Connection) -> dict[str, frozenset[str]]:
    """The columns of each table, by its name."""
    found: dict[str, set[str]] = {}
    for table, column in connection.execute(
        "SELECT m.name, i.name FROM sqlite_master m, pragma_table_info(m.name) i"
        " WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite%'"
    ):
        names = [name.decode("utf-8", "replace") for name in (table, column)]
        found.setdefault(names[0], set()).add(names[1])
    return {name: frozenset(columns) for name, columns in found.items()}


def _marks(connection: sqlite3.Connection) -> tuple[int, int]:
    """The schema that the file says it has, and the mark of the program that made it."""
    names = ("user_version", "application_id")
    version, mark = (connection.execute(f"PRAGMA {name}").fetchone()[0] for name in names)
    return int(version), int(mark)
