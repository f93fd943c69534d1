"""Where reports go: checked before anything is drawn, written whole or not at all when it is over.

A file that is there is replaced only where a report of ours is in it.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

from pytest_diversity.errors import did_you_mean
from pytest_diversity.files import check_writable, read_text, write_text
from pytest_diversity.report.run import RunReport
from pytest_diversity.report.types import TYPES, ReportError, Type, Writer

__all__ = ["Destination", "find", "put"]

_HEAD = 1024  # characters in which a mark stands
_FIX = "name another file, TYPE:FILE"


class Destination(NamedTuple):
    """A report that was asked for.

    Attributes:
        name: Of its type.
        type: Its type.
        path: The file.
        write: What makes its text.
    """

    name: str
    type: Type
    path: Path
    write: Writer


def find(asked: Iterable[str], folder: Path, environment: Mapping[str, str]) -> list[Destination]:
    """The reports that a command line asks for.

    Args:
        asked: Each as `TYPE` or `TYPE:DEST`.
        folder: What relative paths are relative to.
        environment: Where variables are looked up that name a file.

    Raises:
        ReportError: A type is unknown, a file could not be written or is not ours, or two reports
            would go to the same one.
    """
    found: list[Destination] = []
    for one in asked:
        name, _, dest = one.partition(":")
        if name not in TYPES:
            raise ReportError(f"unknown type of report {name!r}", fix=did_you_mean(name, TYPES))
        path = folder / os.path.expanduser(dest or _default(name, environment))  # noqa: PTH111 - an unknown ~user is kept
        twin = next((other for other in found if _same(other.path, path)), None)
        if twin is not None:
            raise ReportError(f"two reports would go to {path}: {twin.name} and {name}", fix=_FIX)
        found.append(Destination(name, TYPES[name], path, TYPES[name].load()))
        _merged(found[-1], "")
        check_writable(path, ReportError, fix=_FIX)
    return found


def put(destination: Destination, report: RunReport) -> None:
    """Write a report; its file holds all of it, or what it held before.

    Raises:
        ReportError: It cannot be written, or what is there by now is not ours.
    """
    written = destination.write(report).encode("utf-8", "backslashreplace").decode()
    text = _merged(destination, written)
    write_text(destination.path, text, ReportError, fix=_FIX)


def _default(name: str, environment: Mapping[str, str]) -> str:
    dest = TYPES[name].dest
    if not dest.startswith("$"):
        return dest
    if not environment.get(dest[1:]):
        raise ReportError(
            f"{name} has no file to go to: {dest} is not set", fix=f"name one, {name}:FILE"
        )
    return environment[dest[1:]]


def _same(one: Path, other: Path) -> bool:
    return one.resolve() == other.resolve()


def _merged(destination: Destination, text: str) -> str:
    """What the file is to hold: the report, in place of or beside what is there."""
    path, kind = destination.path, destination.type
    there = read_text(path, ReportError) if os.path.lexists(path) and not path.is_dir() else ""
    if kind.into == "end":
        return f"{there.rstrip()}\n\n{text}".lstrip() if there else text
    if kind.into == "section":
        return _with_section(there, text, kind.mark, path)
    if there and kind.mark not in there[:_HEAD]:
        raise ReportError(f"{path} is not a {destination.name} report of ours", fix=_FIX)
    return text


def _with_section(there: str, text: str, begin: str, path: Path) -> str:
    """The text of a file with the section in place of the one before, or at its end."""
    end = begin.replace("begin", "end")
    counts = there.count(begin), there.count(end)
    if counts == (0, 0):
        return f"{there.rstrip()}\n\n{text}".lstrip()
    head, _, rest = there.partition(begin)
    _, _, tail = rest.partition(end)
    if counts != (1, 1) or end in head:
        raise ReportError(
            f"{path} holds {begin} and {end} not once each, in this order",
            fix="remove what is left of the section",
        )
    return f"{head}{text.rstrip()}{tail}"
