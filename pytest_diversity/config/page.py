"""The tables of docs/configuration.md, made from the table of keys.

`python -m pytest_diversity.config.page`, in the root of the repository, writes them anew.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import MISSING, fields
from pathlib import Path

from pytest_diversity.config.budget import Budget
from pytest_diversity.config.checks import KINDS
from pytest_diversity.config.keys import (
    BUDGET,
    CHECKPOINT,
    COMMAND,
    DOMAIN,
    ENVIRONMENT,
    KEYS,
    SERVER,
    Key,
)
from pytest_diversity.config.options import Options
from pytest_diversity.config.server import Endpoint
from pytest_diversity.config.values import Checkpoint, Domain, Generation
from pytest_diversity.errors import ConfigError
from pytest_diversity.files import read_text, write_text

__all__ = ["render"]

# Where the defaults of the keys are that a place is the first of.
_SETTINGS = {
    COMMAND: (Options,),
    DOMAIN: (Domain, Generation),
    CHECKPOINT: (Checkpoint,),
    SERVER: (Endpoint,),
    BUDGET: (Budget,),
}
_TABLE = re.compile(r"<!-- keys of ([^>]+) -->\n.*?<!-- end -->", re.DOTALL)


def render(page: str) -> str:
    """The page with each table between `<!-- keys of PLACE -->` and `<!-- end -->` made anew."""
    return _TABLE.sub(lambda found: _section(found[1]), page)


def _section(place: str) -> str:
    rows = [_row(key, place) for key in KEYS.values() if key.where[0] == place]
    table = [f"| {place} | elsewhere | value | default | meaning |", "| --- " * 5 + "|", *rows]
    return "\n".join([f"<!-- keys of {place} -->", *table, "<!-- end -->"])


def _row(key: Key, place: str) -> str:
    name = f"`{key.flag}{_argument(key)}`" if place == COMMAND else f"`{key.name}`"
    cells = (name, _elsewhere(key), _values(key), _default(key, place), key.help)
    return f"| {' | '.join(cells)} |"


def _argument(key: Key) -> str:
    if key.metavar is None:
        return ""
    return f"[={key.metavar}]" if key.bare else f" {key.metavar}"


def _elsewhere(key: Key) -> str:
    spelt = {ENVIRONMENT: f"`{key.variable}`"}
    return ", ".join(spelt.get(place, place) for place in key.where[1:])


def _values(key: Key) -> str:
    if key.choices:
        return ", ".join(f"`{choice}`" for choice in key.choices)
    return " ".join([KINDS.get(key.kind, key.written), *_range(key)])


def _range(key: Key) -> Iterator[str]:
    if key.low is not None:
        yield f"{'above' if key.above else 'from'} {key.low}"
    if key.high is not None:
        yield f"up to {key.high}"


def _default(key: Key, place: str) -> str:
    """Of the field that holds it; nothing where it is not set, off or empty."""
    found = [
        field.default
        for settings in _SETTINGS[place]
        for field in fields(settings)
        if field.name == key.name and field.default is not MISSING
    ]
    unset = not found or found[0] is None or found[0] is False or found[0] == ()
    return "" if unset else f"`{found[0]}`"


if __name__ == "__main__":
    page = Path("docs/configuration.md")
    write_text(page, render(read_text(page, ConfigError)), ConfigError, fix="check permissions")
