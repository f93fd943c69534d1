"""The options `--diversity-*`; imported by every run, so kept light."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import pytest

from pytest_diversity.config.keys import COMMAND, Key, keys_of

__all__ = ["HELP", "STUDIES", "add_options", "asked", "spelt_out", "study_asked"]

# What is done in place of running tests, and in place of the whole run.
STUDIES = tuple(key.name for key in keys_of(COMMAND) if key.instead == "tests")
HELP = tuple(key.name for key in keys_of(COMMAND) if key.instead == "run")


def add_options(parser: pytest.Parser) -> None:
    """Add all of them."""
    group = parser.getgroup("diversity", "diversity regression testing of language models")
    for key in keys_of(COMMAND):
        group.addoption(key.flag, help=key.help.replace("%", "%%"), **_taken(key))


def spelt_out(arguments: Sequence[str]) -> list[str]:
    """The command line with the value of every option that stands without one.

    To argparse the next argument would be its value: `--diversity-plan tests` would write to tests.
    """
    bare = {key.flag: f"{key.flag}={key.bare}" for key in keys_of(COMMAND) if key.bare}
    return [bare.get(argument, argument) for argument in arguments]


def _taken(key: Key) -> dict[str, Any]:
    """What argparse must know of an option's value."""
    if key.kind is bool:
        return {"action": "store_true"}
    if key.kind is list:
        return {"action": "append", "default": [], "metavar": key.metavar}
    if key.bare:
        return {"nargs": "?", "const": key.bare, "metavar": key.metavar}
    return {"metavar": key.metavar}


def study_asked(config: pytest.Config) -> bool:
    """Whether the run studies the stored samples instead of running tests."""
    return bool(asked(config, STUDIES))


def asked(config: pytest.Config, names: Iterable[str]) -> dict[str, str]:
    """Those options, of the names, that the command line has, with their values."""
    given = {name: config.getoption(f"diversity_{name}") for name in names}
    return {name: str(value) for name, value in given.items() if value}
