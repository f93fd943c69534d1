"""TOML tables that know where they stand, for errors as `path:line: message`."""

from __future__ import annotations

import math
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from pytest_diversity.errors import CheckpointError, ConfigError, did_you_mean

__all__ = ["Table", "located", "read_toml"]

_NAMES: Mapping[type, str] = {
    str: "a string",
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    dict: "a table",
    list: "a list",
}


def read_toml(path: Path) -> Table:
    """The root table of the file at `path`.

    Raises:
        ConfigError: The file cannot be read or is not TOML.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
        data = tomllib.loads(text)
    except FileNotFoundError:
        raise ConfigError(f"{path} does not exist", fix="check the path") from None
    except tomllib.TOMLDecodeError as error:
        place = re.search(r"\(at line (\d+), column \d+\)|\(at end of document\)", str(error))
        line = int(place[1]) if place and place[1] else text.count("\n") + 1
        reason = re.sub(r" \(at .*\)$", "", str(error))
        raise ConfigError(f"{path}:{line}: not TOML: {reason}", fix="mend that line") from None
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise ConfigError(f"{path}:{line}: not UTF-8", fix="save the file as UTF-8") from None
    except OSError as error:
        reason = error.strerror or str(error)
        raise ConfigError(f"{path} cannot be read: {reason}", fix="make it readable") from None
    return Table(data, path, text, ())


@dataclass(frozen=True, slots=True)
class Table:
    """A TOML table, the file it is from, and the keys that lead to it."""

    data: Mapping[str, Any]
    path: Path
    text: str
    keys: tuple[str, ...]

    def table(self, key: str) -> Table:
        """The table under `key`; an empty one if there is none."""
        return Table(self.value(key, dict, {}), self.path, self.text, (*self.keys, key))

    def tables(self, key: str) -> Iterator[tuple[str, Table]]:
        """The tables in the table under `key`, by name."""
        parent = self.table(key)
        return ((name, parent.table(name)) for name in parent.data)

    def value(self, key: str, kind: type, default: Any = None) -> Any:
        """The value of `key`, checked to be of `kind`; whole numbers pass as float."""
        value = self.data.get(key, default)
        if value is None or value is default:
            return value
        if kind is float and isinstance(value, int) and not isinstance(value, bool):
            value = float(value)
        if kind is float and isinstance(value, float) and not math.isfinite(value):
            self.fail(
                key, f"{key!r} must be a finite number, not {value!r}", fix="change its value"
            )
        if not isinstance(value, kind) or (kind is not bool and isinstance(value, bool)):
            self.fail(key, f"{key!r} must be {_NAMES[kind]}, not {value!r}", fix="change its value")
        return value

    def allow(self, known: Iterable[str], what: str) -> None:
        """Refuse keys that are not `known` for `what`."""
        known = list(known)
        for key in self.data:
            if key not in known:
                self.fail(key, f"unknown {what} {key!r}", fix=did_you_mean(key, known))

    def fail(self, key: str | None, message: str, *, fix: str) -> NoReturn:
        """Raise a ConfigError that points at `key`, or at the table itself."""
        keys = self.keys if key is None else (*self.keys, key)
        raise ConfigError(f"{self.path}:{_find(self.text, keys)[1]}: {message}", fix=fix)


@contextmanager
def located(path: Path | None, *keys: str) -> Iterator[None]:
    """Let errors raised inside point at the line of `keys`, where the file at `path` has them."""
    try:
        yield
    except (CheckpointError, ConfigError) as error:
        depth, line = _find(path.read_text(encoding="utf-8-sig"), keys) if path else (0, 0)
        if depth < 2:  # only a key of a table says where; a checkpoint may be from the command line
            raise
        raise type(error)(f"{path}:{line}: {error.message}", fix=error.fix) from None


# A key of TOML, bare or quoted, and several of them joined by dots.
_KEY = r"""(?:[\w-]+|"[^"]*"|'[^']*')"""
_KEYS = rf"{_KEY}(?:\s*\.\s*{_KEY})*"


def _find(text: str, keys: tuple[str, ...]) -> tuple[int, int]:
    """How many of `keys` can be found, and the line of the last of them; the first if none is."""
    header: tuple[str, ...] = ()
    best = (0, 1)
    for number, line in enumerate(text.splitlines(), start=1):
        table = re.match(rf"\s*\[+\s*({_KEYS})\s*\]", line)
        entry = re.match(rf"\s*({_KEYS})\s*=", line)
        if table:
            header = here = _split(table[1])
        elif entry:
            here = header + _split(entry[1])
        else:
            continue
        # An inline table holds the rest of the path on its own line.
        if here == keys[: len(here)] and len(here) > best[0]:
            best = (len(here), number)
    return best


def _split(dotted: str) -> tuple[str, ...]:
    return tuple(part.strip("\"'") for part in re.findall(_KEY, dotted))
