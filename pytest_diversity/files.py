"""Texts in files: read, or why not in a sentence; written whole, or not at all."""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path

from pytest_diversity.errors import DiversityError

__all__ = ["read_text", "write_text"]


def read_text(path: Path, error: type[DiversityError]) -> str:
    """The text of a UTF-8 file, with or without a byte order mark.

    Raises:
        DiversityError: It cannot be read, as the kind `error`; with its line where it is not UTF-8.
    """
    try:
        if path.exists() and not (path.is_file() or path.is_dir()):  # as /dev/zero, without an end
            raise error(f"{path} cannot be read: no ordinary file", fix="write it to one")
        return path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise error(f"{path} does not exist", fix="check the path") from None
    except UnicodeDecodeError as found:
        line = found.object.count(b"\n", 0, found.start) + 1
        raise error(f"{path}:{line}: not UTF-8", fix="save the file as UTF-8") from None
    except (OSError, ValueError) as found:  # a path may hold what no file name can
        reason = getattr(found, "strerror", None) or str(found)
        raise error(f"{path} cannot be read: {reason}", fix="make it a readable file") from None


def write_text(
    path: Path, text: str, error: type[DiversityError], *, fix: str, parents: bool = False
) -> None:
    """Put `text` in place of what the file held; a killed process leaves the old text or the new.

    Line ends stay as they are. A link stays one: the file that it leads to is written. Permissions
    of a file that was there are kept.

    Args:
        path: The file.
        text: What it is to hold.
        error: The kind of error where it cannot be written.
        fix: What to do then.
        parents: Whether folders are made that are missing.

    Raises:
        DiversityError: It cannot be written, as the kind `error`; the file is as it was.
    """
    target = path.resolve()
    try:
        if parents:
            target.parent.mkdir(parents=True, exist_ok=True)
        _replace(target, text, target.stat().st_mode & 0o777 if target.exists() else 0o644)
    except OSError as found:
        reason = found.strerror or str(found)
        raise error(f"{path} cannot be written: {reason}", fix=fix) from None


def _replace(path: Path, text: str, mode: int) -> None:
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
            file.write(text)
        Path(name).chmod(mode)
        Path(name).replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            Path(name).unlink()
        raise
