"""JSON as its standard says it: read, or why not in a sentence."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pytest_diversity.errors import DataError
from pytest_diversity.files import read_text

__all__ = ["decode", "is_unicode", "read_json_lines", "why_not"]


def read_json_lines(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """The objects of a JSON Lines file, each with its place as `path:line`; blank lines pass.

    Raises:
        DataError: The file cannot be read, or a line is not a JSON object.
    """
    for number, line in enumerate(read_text(path, DataError).split("\n"), start=1):
        if line.strip():
            yield f"{path}:{number}", _object(line, f"{path}:{number}")


def _object(line: str, where: str) -> dict[str, Any]:
    try:
        record = decode(line)
    except (ValueError, RecursionError) as error:
        raise DataError(
            f"{where}: not JSON: {why_not(error)}", fix="one JSON object a line"
        ) from None
    if not isinstance(record, dict):
        raise DataError(f"{where}: not a JSON object", fix="one JSON object a line")
    return record


def decode(text: str, *, finite: bool = True) -> Any:
    """What a text says.

    Args:
        text: JSON.
        finite: Whether NaN and infinities, which JSON has not but many a tool writes, are refused.

    Raises:
        ValueError: It is not JSON, or a key stands twice in an object.
        RecursionError: It is nested too deeply.
    """
    return (_STRICT if finite else _WRITTEN).decode(text)


def why_not(error: Exception) -> str:
    """What is wrong with a text that `decode` cannot read."""
    if isinstance(error, RecursionError):
        return "lists or objects are nested too deeply"
    if isinstance(error, json.JSONDecodeError | _NotStrictError):
        return str(error)
    return "a number has too many digits"


class _NotStrictError(ValueError):
    """Python reads it, and JSON has no such thing."""


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    record = dict(pairs)
    if len(record) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in record if names.count(name) > 1)
        raise _NotStrictError(f"the key {twice!r} stands there twice")
    return record


def _finite(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise _NotStrictError(f"{digits[:40]} is no finite number")
    return number


_STRICT = json.JSONDecoder(object_pairs_hook=_once, parse_float=_finite, parse_constant=_finite)
_WRITTEN = json.JSONDecoder(object_pairs_hook=_once)


def is_unicode(text: str) -> bool:
    """Whether it has no half of a surrogate pair, which no file, terminal or model can hold."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
