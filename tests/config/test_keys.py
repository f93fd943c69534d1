"""The table of options and keys: everything that is made from it agrees with it."""

from __future__ import annotations

import math
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import get_args

import pytest

from pytest_diversity.config.budget import Budget, Level
from pytest_diversity.config.checks import check
from pytest_diversity.config.file import load_config
from pytest_diversity.config.keys import (
    BUDGET,
    CHECKPOINT,
    COMMAND,
    DEFAULTS,
    DOMAIN,
    ENVIRONMENT,
    KEYS,
    SERVER,
    Key,
    keys_of,
)
from pytest_diversity.config.options import Options
from pytest_diversity.config.server import Endpoint
from pytest_diversity.config.values import Domain, Generation
from pytest_diversity.errors import ConfigError


def test_every_option_of_a_run_is_a_setting() -> None:
    """What the environment may say, `Options` holds."""
    settings = {field.name for field in fields(Options)} - {"origins", "vllm"}
    assert {key.name for key in keys_of(ENVIRONMENT)} == settings


FIELDS: Mapping[str, tuple[type, str, set[str]]] = {
    "a domain": (Domain, DOMAIN, {"name", "generation", "budgets", "root", "chosen"}),
    "how texts are drawn": (Generation, CHECKPOINT, set()),
    "a server": (Endpoint, SERVER, {"allowance"}),
    "a budget": (Budget, BUDGET, set()),
}


@pytest.mark.parametrize("case", FIELDS)
def test_every_setting_of_the_file_has_a_row(case: str) -> None:
    """And may stand where the file is read for it."""
    settings, place, made = FIELDS[case]
    names = {field.name for field in fields(settings)} - made
    assert names <= {key.name for key in keys_of(place)}


def test_no_file_takes_walls_away_or_acts() -> None:
    """Every option of a run may stand in [defaults] but those that a file must not say."""
    refused = {key.name for key in keys_of(ENVIRONMENT) if DEFAULTS not in key.where}
    assert refused == {"unsafe_code"}


def test_levels_are_those_that_types_know() -> None:
    """They are spelt twice, since a type must be a literal."""
    assert KEYS["level"].choices == get_args(Level)


@pytest.mark.parametrize(
    "key", [k for k in KEYS.values() if k.low is not None], ids=lambda k: k.name
)
def test_ranges_hold_at_their_ends(key: Key) -> None:
    """The ends are allowed, the next number beyond is not, and 10**30 never is a whole number."""
    step = (
        (lambda number, way: number + way)
        if key.kind is int
        else lambda n, w: math.nextafter(n, w * math.inf)
    )
    assert key.low is not None
    low = step(key.low, 1) if key.above else key.low
    assert check(key, key.kind(low)) == low
    with pytest.raises(ConfigError, match=f"'{key.name}' must be (at least|above) "):
        check(key, key.kind(step(low, -1)))
    if key.kind is int or key.high is not None:
        assert key.high is not None
        assert check(key, key.kind(key.high)) == key.high
        with pytest.raises(ConfigError, match=f"'{key.name}' must be at most "):
            check(key, key.kind(step(key.high, 1)))
        with pytest.raises(ConfigError, match=f"'{key.name}' must be at most "):
            check(key, 10**30)


def test_one_row_is_enough(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A new key of the file is known, checked and refused elsewhere by its row alone."""
    row = Key("patience", int, (DOMAIN,), "how long to wait", low=1, high=5)
    monkeypatch.setitem(KEYS, "patience", row)
    path = tmp_path / "diversity.toml"
    path.write_text("[defaults]\npatience = 9\n")
    with pytest.raises(
        ConfigError, match=r"'patience' cannot stand in \[defaults\]; it may stand in a"
    ):
        load_config(path)
    path.write_text("[domains.d]\npatience = 9\n")
    load_config(path)  # known, and used by nobody: it is not a field of Domain


LIGHT = """
import sys, pytest
before = set(sys.modules)
import pytest_diversity.plugin.options
print(*sorted(set(sys.modules) - before))
"""


def test_the_table_imports_next_to_nothing() -> None:
    """Every run of pytest reads it."""
    done = subprocess.run(  # noqa: S603 - this interpreter
        [sys.executable, "-c", LIGHT], capture_output=True, text=True, check=True
    )
    assert set(done.stdout.split()) <= {
        "pytest_diversity",
        "pytest_diversity.config",
        "pytest_diversity.config.keys",
        "pytest_diversity.plugin",
        "pytest_diversity.plugin.options",
    }


def test_every_option_is_in_the_help(pytester: pytest.Pytester) -> None:
    """With its line of help."""
    shown = " ".join(pytester.runpytest_inprocess("--help").stdout.str().split())
    for key in keys_of(COMMAND):
        assert key.flag in shown
        assert key.help in shown
