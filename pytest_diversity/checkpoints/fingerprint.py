"""A digest of everything that makes a model what it is, which is part of its samples' key."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, MutableMapping
from pathlib import Path

from pytest_diversity.checkpoints.sources import FILES, Location

__all__ = ["fingerprint"]


def fingerprint(location: Location, facts: MutableMapping[str, str]) -> str:
    """A digest of the content of everything that makes the model what it is.

    Args:
        location: Where it is.
        facts: Remembers the digest of a file while its inode, size and time stay the same.
    """
    if location.path.is_file():
        return _digest(location.path, facts)
    total = hashlib.sha256()
    for path in _model_files(location.path):
        total.update(f"{path.relative_to(location.path)}\0{_digest(path, facts)}\n".encode())
    return total.hexdigest()


def _model_files(directory: Path) -> Iterator[Path]:
    return iter(sorted({path for pattern in FILES for path in directory.rglob(pattern)}))


def _digest(path: Path, facts: MutableMapping[str, str]) -> str:
    real = path.resolve()
    stat = real.stat()
    key = f"file|{real}|{stat.st_dev}|{stat.st_ino}|{stat.st_size}|{stat.st_mtime_ns}"
    if key not in facts:
        with real.open("rb") as file:
            facts[key] = hashlib.file_digest(file, "sha256").hexdigest()
    return facts[key]
