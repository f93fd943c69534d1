"""Files of rows, whatever the rows are: JSON Lines, JSON, Parquet, a zip of JSON, also gzipped.

What a file is, its first bytes say, not its name.
"""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import IO, Any

from pytest_diversity.errors import DataError, reason_of
from pytest_diversity.formats.layout import Row
from pytest_diversity.strict_json import decode, why_not

__all__ = ["files", "holds_rows", "rows"]

_GZIP, _ZIP, _PARQUET = b"\x1f\x8b", b"PK", b"PAR1"
_BOM = b"\xef\xbb\xbf"
_FORMS = "write JSON Lines, a JSON array or Parquet"


def files(path: Path) -> list[Path]:
    """The file itself, or those of a folder and its folders, less hidden ones, in order of name."""
    if not path.is_dir():
        return [path]
    inside = (one.relative_to(path) for one in sorted(path.rglob("*")) if one.is_file())
    return [path / one for one in inside if not any(part.startswith(".") for part in one.parts)]


def holds_rows(path: Path) -> bool:
    """Whether a file begins as one that `rows` can read; a folder has others, too."""
    with _said(path), _opened(path) as file:
        head = file.read(64)
    text = head.removeprefix(_BOM).lstrip()
    return text.startswith((b"{", b"[")) or head.startswith((_PARQUET, _ZIP)) or not text


def rows(path: Path, *, finite: bool = True) -> Iterator[Row]:
    """The values of a file, one after the other, as far as its form allows.

    Args:
        path: The file.
        finite: Whether numbers that JSON has not are refused.

    Raises:
        DataError: It cannot be read, with the line where there is one.
        MissingExtraError: It is Parquet, and what reads that is not installed.
    """
    with _said(path), _opened(path) as file:
        head = file.peek(4)[:4]  # type: ignore[attr-defined]
        if head.startswith(_PARQUET):
            from pytest_diversity.formats.parquet import parquet_rows  # noqa: PLC0415 - an extra

            yield from parquet_rows(path)
        elif head.startswith(_ZIP):
            from pytest_diversity.formats.zipped import zip_rows  # noqa: PLC0415 - rarely met

            yield from zip_rows(path)
        else:
            yield from _text_rows(path, file, finite=finite)


@contextmanager
def _opened(path: Path) -> Iterator[IO[bytes]]:
    """The bytes of a file, unpacked where it is gzipped."""
    if path.exists() and not (path.is_file() or path.is_dir()):  # as /dev/zero, without an end
        raise DataError(f"{path} cannot be read: no ordinary file", fix="write it to one")
    with path.open("rb") as file:
        if file.peek(2)[:2] == _GZIP:
            with gzip.open(file) as unpacked:
                yield unpacked  # type: ignore[misc]
        else:
            yield file


@contextmanager
def _said(path: Path) -> Iterator[None]:
    """What can go wrong with a file, as one sentence."""
    try:
        yield
    except FileNotFoundError:
        raise DataError(f"{path} does not exist", fix="check the path") from None
    except EOFError:
        raise DataError(
            f"{path}: its end is missing, as of a file that was copied or written half",
            fix="copy or write it again",
        ) from None
    except (zlib.error, gzip.BadGzipFile) as found:
        raise DataError(f"{path} is damaged: {found}", fix="copy or write it again") from None
    except (OSError, ValueError) as found:  # a path may hold what no file name can
        raise DataError(
            f"{path} cannot be read: {reason_of(found)}", fix="make it a readable file"
        ) from None


def _text_rows(path: Path, file: IO[bytes], *, finite: bool) -> Iterator[Row]:
    """JSON Lines, line by line; a JSON document, which has no end before its end, as a whole."""
    lines = ((number, line) for number, line in enumerate(file, 1))
    first = next(((n, line) for n, line in lines if line.removeprefix(_BOM).strip()), None)
    if first is None:
        return
    number, line = first
    line = line.removeprefix(_BOM)
    start = line.lstrip()[:1]
    if start not in {b"{", b"["}:
        _text(path, number, line)
        raise DataError(f"{path}:{number}: not JSON: {_shown(line)}", fix=_FORMS)
    second = next(((n, one) for n, one in lines if one.strip()), None)
    rest = chain([second] if second else [], lines)
    if not _by_line(line, second[1] if second else None):
        between = b"\n" * (second[0] - number - 1) if second else b""
        whole = b"".join([line, between, *(one for _, one in rest)])
        yield from _document(path, number, whole, finite)
        return
    for at_line, one in chain([(number, line)], rest):
        if one.strip():
            where = f"{path}:{at_line}"
            yield Row(where, _decoded(_text(path, at_line, one), where, finite))


def _by_line(first: bytes, second: bytes | None) -> bool:
    """Whether each line says something by itself, told from the first two; one may be broken."""
    begins = first.lstrip().startswith(b"{")
    if second is None:
        return begins
    return _whole(first) or (begins and _whole(second))


def _whole(line: bytes) -> bool:
    """Whether a line is an object or a list by itself."""
    try:
        return isinstance(json.loads(line), dict | list)
    except (ValueError, RecursionError):
        return False


def _document(path: Path, number: int, content: bytes, finite: bool) -> Iterator[Row]:  # noqa: FBT001 - private
    text = _text(path, number, content)
    try:
        value = decode(text, finite=finite)
    except (ValueError, RecursionError) as error:
        line = number - 1 + getattr(error, "lineno", 1)
        raise DataError(f"{path}:{line}: not JSON: {why_not(error)}", fix=_FORMS) from None
    if isinstance(value, list):
        yield from (Row(f"{path}: element {n}", one) for n, one in enumerate(value, 1))
    else:
        yield Row(f"{path}:{number}", value)


def _decoded(text: str, where: str, finite: bool) -> Any:  # noqa: FBT001 - private
    try:
        return decode(text, finite=finite)
    except (ValueError, RecursionError) as error:
        raise DataError(
            f"{where}: not JSON: {why_not(error)}", fix="one JSON object a line"
        ) from None


def _text(path: Path, number: int, content: bytes) -> str:
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        line = number + content.count(b"\n", 0, error.start)
        raise DataError(f"{path}:{line}: not UTF-8", fix="save the file as UTF-8") from None


def _shown(line: bytes) -> str:
    text = line.decode().strip()
    return f"it begins with {text[:40]!r}"
