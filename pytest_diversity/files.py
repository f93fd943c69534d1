"""Texts in files: read, or why not in a sentence; written whole, or not at all; one at a time."""

from __future__ import annotations

import contextlib
import errno
import getpass
import hashlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from pytest_diversity.errors import DiversityError, reason_of

__all__ = [
    "check_makeable",
    "check_writable",
    "checkout_of",
    "one_at_a_time",
    "read_text",
    "replacing",
    "write_text",
]


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
        fix = "make it a readable file"
        raise error(f"{path} cannot be read: {reason_of(found)}", fix=fix) from None


def write_text(
    path: Path, text: str, error: type[DiversityError], *, fix: str, parents: bool = False
) -> None:
    """Put `text` in place of what the file held, as `replacing` does; line ends stay as they are.

    Args:
        path: The file.
        text: What it is to hold.
        error: The kind of error where it cannot be written.
        fix: What to do then.
        parents: Whether folders are made that are missing.

    Raises:
        DiversityError: It cannot be written, as the kind `error`; the file is as it was.
    """
    with replacing(path, error, fix=fix, parents=parents) as unfinished:
        unfinished.write_text(text, encoding="utf-8", newline="")


@contextlib.contextmanager
def replacing(
    path: Path, error: type[DiversityError], *, fix: str, parents: bool = False
) -> Iterator[Path]:
    """A file to write to, which takes the place of `path` when all is written.

    A killed process leaves the old file or the new one. A link stays one: the file that it leads to
    is written. Permissions of a file that was there are kept.

    Raises:
        DiversityError: It cannot be written, as the kind `error`; the file is as it was.
    """
    target = path.resolve()
    try:
        if parents:
            target.parent.mkdir(parents=True, exist_ok=True)
        mode = target.stat().st_mode & 0o777 if target.exists() else 0o644
        with _beside(target) as unfinished:
            yield unfinished
            unfinished.chmod(mode)
            unfinished.replace(target)
    except OSError as found:
        raise error(f"{path} cannot be written: {reason_of(found)}", fix=fix) from None


def check_writable(path: Path, error: type[DiversityError], *, fix: str) -> None:
    """Find out, without changing anything, that `path` could not be written.

    Raises:
        DiversityError: It could not, as the kind `error`.
    """
    target = path.resolve()
    try:
        if target.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        with _beside(target):
            pass
    except (OSError, ValueError) as found:  # a path may hold what no file name can
        raise error(f"{path} cannot be written: {reason_of(found)}", fix=fix) from None


def check_makeable(path: Path, error: type[DiversityError], what: str, *, fix: str) -> None:
    """Find out, without making anything, that a folder could not be written to, or made.

    Args:
        path: The folder.
        error: The kind of error where it could not.
        what: What would be in it, for the sentence.
        fix: What to do then.

    Raises:
        DiversityError: It could not, as the kind `error`.
    """
    there = next(place for place in (path, *path.parents) if place.exists())
    if not there.is_dir() or not os.access(there, os.W_OK):
        raise error(f"{what} in {path} cannot be written", fix=fix)


def checkout_of(folder: Path) -> Path:
    """The folder of the repository that a folder is in, or the folder itself."""
    return next((one for one in (folder, *folder.parents) if (one / ".git").exists()), folder)


@contextlib.contextmanager
def _beside(path: Path) -> Iterator[Path]:
    """A new file on the same disk, gone at the end if it is still there."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    os.close(handle)
    try:
        yield Path(name)
    finally:
        with contextlib.suppress(OSError):
            Path(name).unlink(missing_ok=True)


@contextlib.contextmanager
def one_at_a_time(folder: Path) -> Iterator[None]:
    """Among processes that read, change and write a file of `folder`, be the only one.

    Of one user on one machine, on every system: the lock is a file among the temporary ones, for
    in a checkout it would be litter. Where there can be none, nobody waits.
    """
    from filelock import FileLock  # noqa: PLC0415 - where something is written

    whose = hashlib.sha256(f"{getpass.getuser()} {folder.resolve()}".encode()).hexdigest()
    lock = FileLock(Path(tempfile.gettempdir(), f"pytest-diversity-{whose[:32]}.lock"))
    with contextlib.ExitStack() as stack:
        with contextlib.suppress(OSError):
            stack.enter_context(lock)
        yield
