"""A digest of everything that makes a model what it is, which is part of its samples' key."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, MutableMapping
from fnmatch import fnmatch
from pathlib import Path

from pytest_diversity.checkpoints.adapters import CONFIG, speaks
from pytest_diversity.checkpoints.sources import FILES, IGNORED, Location

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
    if (location.path / CONFIG).is_file() and speaks(location.path):
        total.update(b"in its own words\n")  # its samples were once drawn with the base's tokenizer
    return total.hexdigest()


def _model_files(directory: Path) -> Iterator[Path]:
    found = {path for pattern in FILES for path in directory.rglob(pattern)}
    parts = (directory / "modules.json").is_file()  # an embedder's: folders are parts of it
    for path in sorted(found):
        inside = path.relative_to(directory)
        if _is_ignored(inside) or (not parts and _is_of_another(directory, inside)):
            continue
        yield path


def _is_ignored(inside: Path) -> bool:
    return any(fnmatch(str(inside), pattern) for pattern in IGNORED)


def _is_of_another(directory: Path, inside: Path) -> bool:
    """Whether a file below a model belongs to a model or an adapter that was saved below it."""
    above = [directory / folder for folder in inside.parents if folder != Path()]
    return any((folder / name).is_file() for folder in above for name in ("config.json", CONFIG))


def _digest(path: Path, facts: MutableMapping[str, str]) -> str:
    real = path.resolve()
    stat = real.stat()
    key = f"file|{real}|{stat.st_dev}|{stat.st_ino}|{stat.st_size}|{stat.st_mtime_ns}"
    if key not in facts:
        with real.open("rb") as file:
            facts[key] = hashlib.file_digest(file, "sha256").hexdigest()
    return facts[key]
