"""Samples that no key leads to, since what leads to them is damaged: the keys and their index.

A damaged sample is met where it is looked for. One whose key has changed is not, and would be drawn
again without a word.
"""

from __future__ import annotations

import sqlite3

from pytest_diversity.store.rows import is_whole, read_samples, seed_of

__all__ = ["count_lost"]

# By the index, as a key is looked up; what stands in the table beside it may be another one.
_KEYS = """
SELECT i.id, i.key, d.detail, d.digest
FROM (SELECT id, key FROM draw INDEXED BY sqlite_autoindex_draw_1) i
LEFT JOIN draw d NOT INDEXED ON d.id = i.id
"""
_ROWS = "SELECT number, text, finish_reason, tokens, logprob, digest FROM sample WHERE draw = ?"


def count_lost(connection: sqlite3.Connection) -> int:
    """How many samples are in the file and cannot be found by any key that they were kept under.

    Args:
        connection: To a store whose rows have digests, with texts as bytes.

    Raises:
        sqlite3.DatabaseError: A page is malformed, and may hide any number of them.
    """
    if connection.execute("PRAGMA quick_check(1)").fetchone() != (b"ok",):
        raise sqlite3.DatabaseError("database disk image is malformed")
    total = connection.execute("SELECT COUNT(*) FROM sample").fetchone()[0]
    reached = 0
    for draw, key, detail, checked in connection.execute(_KEYS).fetchall():
        if _leads(connection, draw, key) and (
            is_whole(checked, key, detail) or _is_theirs(connection, draw, key)
        ):
            count = "SELECT COUNT(*) FROM sample WHERE draw = ?"
            reached += int(connection.execute(count, (draw,)).fetchone()[0])
    return max(int(total) - reached, 0)


def _leads(connection: sqlite3.Connection, draw: int, key: object) -> bool:
    """Whether the key is found again: an index out of order hides sound ones, too."""
    if not isinstance(key, bytes):
        return False
    query = "SELECT id FROM draw WHERE key = CAST(? AS TEXT)"
    return bool(connection.execute(query, (key,)).fetchone() == (draw,))


def _is_theirs(connection: sqlite3.Connection, draw: int, key: bytes) -> bool:
    """Whether samples were kept under that key: where only its readable form is damaged."""
    rows = connection.execute(_ROWS, (draw,)).fetchall()
    return not rows or bool(read_samples(seed_of(key.decode("utf-8", "replace")), rows)[0])
