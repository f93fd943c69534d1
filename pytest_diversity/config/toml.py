"""TOML tables that know where they stand, for errors as `path:line: message`."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn, TypeVar

from pytest_diversity.config.checks import typed
from pytest_diversity.errors import CheckpointError, ConfigError, did_you_mean, first_line
from pytest_diversity.files import read_text
from pytest_diversity.findings import Look, strictly

__all__ = ["Table", "line_of", "located", "read_toml"]

Value = TypeVar("Value")


def read_toml(path: Path, look: Look = strictly) -> Table:
    """The root table of the file at `path`.

    Args:
        path: The file.
        look: What becomes of an error in a part of it.

    Raises:
        ConfigError: The file cannot be read or is not TOML.
    """
    text = read_text(path, ConfigError)
    try:
        return Table(tomllib.loads(text), path, text, (), look)
    except (ValueError, RecursionError) as error:
        line, reason = _why_not(text, error)
        raise ConfigError(f"{path}:{line}: not TOML: {reason}", fix="correct that line") from None


@dataclass(frozen=True, slots=True)
class Table:
    """A TOML table, the file it is from, and the keys that lead to it."""

    data: Mapping[str, Any]
    path: Path
    text: str
    keys: tuple[str, ...]
    look: Look = strictly

    def looking(self) -> AbstractContextManager[object]:
        """Around what is read of one part of the file, and says nothing of the others."""
        return self.look(self.path.name)

    def table(self, key: str) -> Table:
        """The table under `key`; an empty one if there is none."""
        data: Mapping[str, Any] = {}
        with self.looking():
            data = self.value(key, dict, {})
        return Table(data, self.path, self.text, (*self.keys, key), self.look)

    def tables(self, key: str) -> Iterator[tuple[str, Table]]:
        """The tables in the table under `key`, by name."""
        parent = self.table(key)
        return ((name, parent.table(name)) for name in parent.data)

    def value(self, key: str, kind: type, default: Any = None) -> Any:
        """The value of `key`, checked to be of `kind`; whole numbers pass as float."""
        if key not in self.data:
            return default
        return self.read(key, lambda value: typed(key, value, kind), self.data[key])

    def read(self, key: str | None, read: Callable[[Any], Value], value: Any) -> Value:
        """What `read` makes of a value; its ConfigError points at `key`, or at the table itself."""
        try:
            return read(value)
        except ConfigError as error:
            self.fail(key, error.message, fix=error.fix or "change it")

    def allow(self, known: Iterable[str], what: str) -> None:
        """Refuse keys that are not `known` for `what`."""
        known = list(known)
        for key in self.data:
            if key not in known:
                with self.looking():
                    self.fail(key, f"unknown {what} {key!r}", fix=did_you_mean(key, known))

    def fail(self, key: str | None, message: str, *, fix: str) -> NoReturn:
        """Raise a ConfigError that points at `key`, or at the table itself."""
        keys = self.keys if key is None else (*self.keys, key)
        raise ConfigError(f"{self.path}:{_find(self.text, keys)[1]}: {message}", fix=fix)


@contextmanager
def located(path: Path | None, *keys: str, default: tuple[str, ...] = ()) -> Iterator[None]:
    """Let errors raised inside point at the line of `keys`, where the file at `path` has them.

    Args:
        path: The file.
        keys: What the error is about.
        default: What says it where `keys` do not.
    """
    try:
        yield
    except (CheckpointError, ConfigError) as error:
        depth, line = _place(read_text(path, ConfigError), keys, default) if path else (0, 0)
        if depth < 2:  # only a key of a table says where; a checkpoint may be from the command line
            raise
        raise type(error)(f"{path}:{line}: {error.message}", fix=error.fix) from None


def line_of(path: Path, *keys: str) -> int:
    """The line of a file at which the statement stands that leads furthest along `keys`, from 1."""
    return _find(read_text(path, ConfigError), keys)[1]


def _place(text: str, keys: tuple[str, ...], default: tuple[str, ...]) -> tuple[int, int]:
    """How many of `keys` lead into a TOML text, or else all of `default`, and the line of those."""
    found = _find(text, keys)
    if found[0] == len(keys) or not default:
        return found
    depth, line = _find(text, default)
    return (depth, line) if depth == len(default) else found


def _find(text: str, keys: tuple[str, ...]) -> tuple[int, int]:
    """How many of `keys` lead into a TOML text, and the line of the statement that leads furthest.

    Of two that lead equally far, the one that only opens the table is taken, then the first.
    """
    header, best, line = "", (0, False), 1
    for number, statement in _statements(text):
        opens = statement.lstrip().startswith("[")
        header = statement if opens else header
        depth, end = _follow(tomllib.loads(header if opens else header + statement), keys)
        if (depth, end == {}) > best:
            best, line = (depth, end == {}), number
    return best[0], line


def _follow(value: Any, keys: tuple[str, ...]) -> tuple[int, Any]:
    """How many of `keys` lead into a value, and what is there."""
    for depth, key in enumerate(keys):
        table = value[-1] if isinstance(value, list) and value else value
        if not isinstance(table, dict) or key not in table:
            return depth, value
        value = table[key]
    return len(keys), value


def _statements(text: str) -> Iterator[tuple[int, str]]:
    """The headers and entries of a TOML text, each with the line on which it begins.

    Lines are added up until tomllib takes them, so that what stands in a string or a list of many
    lines is never taken for a statement. One that is not TOML comes last, with all that follows.
    """
    begin, statement = 1, ""
    for number, line in enumerate(text.split("\n"), start=1):
        first = not statement
        if first and line.strip(" \t\r")[:1] in ("", "#"):
            continue
        begin = number if first else begin
        statement += f"{line}\n"
        # After its first line, one can end only where a string, a list or a table does.
        if (first or any(end in line for end in ('"""', "'''", "]", "}"))) and _is_toml(statement):
            yield begin, statement
            statement = ""
    if statement:
        yield begin, statement


def _is_toml(text: str) -> bool:
    try:
        tomllib.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def _why_not(text: str, error: Exception) -> tuple[int, str]:
    """The line of what is not TOML, and the reason."""
    if place := re.search(r" \(at line (\d+), column \d+\)$", str(error)):
        return int(place[1]), str(error)[: place.start()]
    *_, (line, _) = (1, ""), *_statements(text)  # the last: without an end, or beyond reading
    if isinstance(error, RecursionError):
        return line, "lists or tables are nested too deeply"
    if not isinstance(error, tomllib.TOMLDecodeError):
        return line, "a number has too many digits"
    return line, first_line(error).removesuffix(" (at end of document)")
