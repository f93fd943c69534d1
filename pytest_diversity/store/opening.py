"""How the file of a store is opened, to write or only to read; why not, in a sentence."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import NamedTuple

from pytest_diversity.errors import StoreError, reason_of
from pytest_diversity.store.schema import has_digests, is_current, prepare, refuse_foreign

__all__ = ["FAULTS", "Opened", "connect", "connect_to_read", "explained"]

# The second is what Python makes of an error that quotes a damaged name.
FAULTS = (sqlite3.Error, UnicodeDecodeError)
_PATIENCE = 60.0  # seconds to wait for another process's transaction, which takes milliseconds
_MAKE_ROOM = "free some space and run again: everything drawn before is kept"
_NAME_ANOTHER = "name a writable file with --diversity-store"


class Opened(NamedTuple):
    """A connection to a store.

    Attributes:
        connection: With texts as bytes, since damaged ones are not always UTF-8.
        writable: Whether anything can be kept in it.
        checked: Whether its rows have digests.
    """

    connection: sqlite3.Connection
    writable: bool = True
    checked: bool = True


def connect(path: Path, lock: Callable[[str, str], AbstractContextManager[object]]) -> Opened:
    """Open the store at `path`, and make it where there is none.

    Args:
        path: Of the file.
        lock: A lock between processes by its name, and what it is held for.

    Raises:
        StoreError: It cannot be opened, or is another program's.
        sqlite3.Error: It is damaged.
    """
    try:
        if path.is_file() and not _can_write(path):
            return connect_to_read(path)
        _make_folder(path.parent)
        connection = sqlite3.connect(path, timeout=_PATIENCE, isolation_level=None)
    except (OSError, ValueError) as error:  # a path may hold what no file's name can
        raise StoreError(
            f"the store {str(path)!r} cannot be opened: {reason_of(error)}", fix=_NAME_ANOTHER
        ) from None
    with _closed_on_error(connection):
        connection.text_factory = bytes
        if not is_current(connection):
            refuse_foreign(connection, path)
            with lock("create", "makes the store"):
                prepare(connection)
        connection.execute("PRAGMA synchronous = NORMAL")  # safe under WAL, no fsync a batch
    return Opened(connection)


def connect_to_read(path: Path) -> Opened:
    """Open a store that is there without locks and without a trace.

    What a writer left in its log is read with it.

    Raises:
        StoreError: It is another program's.
        sqlite3.Error: It is damaged.
    """
    log = path.with_name(f"{path.name}-wal")
    mode = "mode=ro" if log.exists() and log.stat().st_size else "immutable=1"
    connection = sqlite3.connect(
        f"{path.resolve().as_uri()}?{mode}", uri=True, isolation_level=None
    )
    with _closed_on_error(connection):
        connection.text_factory = bytes
        refuse_foreign(connection, path)
        return Opened(connection, writable=False, checked=has_digests(connection))


def _can_write(path: Path) -> bool:
    """Whether SQLite can: it writes its log beside the file."""
    return os.access(path, os.W_OK) and os.access(path.parent, os.W_OK)


def _make_folder(folder: Path) -> None:
    if folder.exists():
        return
    try:
        folder.mkdir(parents=True, exist_ok=True)  # another process may be as fast
        (folder / ".gitignore").write_text("# Made by pytest-diversity.\n*\n")
    except OSError as error:
        raise StoreError(
            f"the store's folder {folder} cannot be made: {reason_of(error)}", fix=_NAME_ANOTHER
        ) from error


@contextmanager
def _closed_on_error(connection: sqlite3.Connection) -> Iterator[None]:
    try:
        yield
    except BaseException:
        connection.close()
        raise


def explained(path: Path, error: Exception) -> StoreError:
    """What SQLite says of the store at `path`, in a sentence."""
    reason = str(error) if isinstance(error, sqlite3.Error) else "its names are malformed"
    fixes = {
        "full": _MAKE_ROOM,
        "disk I/O": f"the disk, or a limit on the size of files, refuses it: {_MAKE_ROOM}",
        "readonly": "make it writable, or name another file with --diversity-store",
        "unable to open": _NAME_ANOTHER,
        "locked": "another process holds it; run again when that one is done",
        "no such": "if it is damaged, save what can be read of it: pytest --diversity-recover",
        "malformed": "save what can be read of it: pytest --diversity-recover",
        "not a database": "if it was one, pytest --diversity-recover saves what can be read; "
        "else name another file with --diversity-store",
    }
    default = "move the file away, or name another one with --diversity-store"
    fix = next((fix for word, fix in fixes.items() if word in reason), default)
    return StoreError(f"the store {path} failed: {reason}", fix=fix)
