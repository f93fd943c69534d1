"""Settings of a run: command line, environment, file, default, in this order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pytest_diversity.config.keys import ENVIRONMENT, keys_of
from pytest_diversity.config.options import Options, resolve
from pytest_diversity.config.values import Config, Domain
from pytest_diversity.errors import ConfigError
from pytest_diversity.session import Session

FILE = Config(path=Path("diversity.toml"), settings={"device": "mps", "strict": True})

PRECEDENCE: Mapping[str, tuple[str | None, str | None, Config, str, str | None]] = {
    "the command line first": ("cuda", "xpu", FILE, "cuda", "command line"),
    "then the environment": (None, "xpu", FILE, "xpu", "environment"),
    "then the file": (None, None, FILE, "mps", "diversity.toml"),
    "then the default": (None, None, Config(), "auto", None),
    "empty is as if not given": ("", "", FILE, "mps", "diversity.toml"),
}


@pytest.fixture(autouse=True)
def _clean(monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment of whoever runs these tests takes no part."""
    for key in keys_of(ENVIRONMENT):
        monkeypatch.delenv(key.variable, raising=False)


@pytest.mark.parametrize("case", PRECEDENCE)
def test_precedence(case: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The value of the first that says one is taken, and where it came from is kept."""
    given, environment, config, device, origin = PRECEDENCE[case]
    if environment is not None:
        monkeypatch.setenv("PYTEST_DIVERSITY_DEVICE", environment)
    options = resolve({"device": given}, config, Path("/root"))
    assert options.device == device
    assert options.origins.get("device") == origin


SWITCHES: Mapping[str, tuple[bool, str | None, Config, bool, str | None]] = {
    "nobody says so": (False, None, Config(), False, None),
    "the command line": (True, None, Config(), True, "command line"),
    "the command line against the environment": (True, "no", FILE, True, "command line"),
    "the environment": (False, "yes", Config(), True, "environment"),
    "the environment against the file": (False, "off", FILE, False, "environment"),
    "the file": (False, None, FILE, True, "diversity.toml"),
    "an empty variable says nothing": (False, "", FILE, True, "diversity.toml"),
    "an empty variable alone": (False, "", Config(), False, None),
    "a file that says no": (
        False,
        None,
        replace(FILE, settings={"strict": False}),
        False,
        "diversity.toml",
    ),
}


@pytest.mark.parametrize("case", SWITCHES)
def test_precedence_of_switches(case: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """They know the same four places as everything else, and a no is an answer, too."""
    given, environment, config, strict, origin = SWITCHES[case]
    if environment is not None:
        monkeypatch.setenv("PYTEST_DIVERSITY_STRICT", environment)
    options = resolve({"strict": given}, config, Path())
    assert options.strict is strict
    assert options.origins.get("strict") == origin


@pytest.mark.parametrize("word", ["1", "true", "True", "YES", "on", " on "])
@pytest.mark.parametrize("name", [k.name for k in keys_of(ENVIRONMENT) if k.kind is bool])
def test_every_switch_of_the_environment_switches_on(
    name: str, word: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No way of saying yes is taken for no: several of them are for safety."""
    monkeypatch.setenv(f"PYTEST_DIVERSITY_{name.upper()}", word)
    assert getattr(resolve({}, Config(), Path()), name) is True


@pytest.mark.parametrize("word", ["0", "false", "No", "OFF"])
def test_words_that_switch_off(word: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """And the environment takes precedence over the file."""
    monkeypatch.setenv("PYTEST_DIVERSITY_STRICT", word)
    assert resolve({}, FILE, Path()).strict is False


WRONG: Mapping[str, tuple[str, str, str]] = {
    "a switch that is neither": (
        "STRICT",
        "ja",
        (
            "'strict' must be true or false, not 'ja' (PYTEST_DIVERSITY_STRICT); "
            "write one of 0, 1, false, no, off, on, true, yes"
        ),
    ),
    "a switch that is a number": ("RECORD", "2", "'record' must be true or false, not '2' (PYTEST"),
    "no number": (
        "ACTORS",
        "many",
        "'actors' must be a whole number, not 'many' (PYTEST_DIVERSITY_ACTORS); change its value",
    ),
    "a choice that is none": (
        "CORRECTION",
        "bonferoni",
        "unknown correction 'bonferoni' (PYTEST_DIVERSITY_CORRECTION); known: holm, none",
    ),
    "a name with a slip": (
        "STRIKT",
        "1",
        (
            "unknown environment variable 'PYTEST_DIVERSITY_STRIKT'; "
            "did you mean 'PYTEST_DIVERSITY_STRICT'?"
        ),
    ),
    "an option of the command line alone": (
        "PLAN",
        "1",
        (
            "PYTEST_DIVERSITY_PLAN cannot stand in the environment; "
            "it may stand on the command line as --diversity-plan"
        ),
    ),
    "a key of the file alone": (
        "MAX_TOKENS",
        "8",
        (
            "PYTEST_DIVERSITY_MAX_TOKENS cannot stand in the environment; "
            "it may stand in a domain or in a checkpoint or in [defaults]"
        ),
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_is_wrong_in_the_environment(case: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The sentence names the variable, and nothing is passed over in silence."""
    name, value, message = WRONG[case]
    monkeypatch.setenv(f"PYTEST_DIVERSITY_{name}", value)
    with pytest.raises(ConfigError) as caught:
        resolve({}, Config(), Path())
    assert str(caught.value).startswith(message)


NUMBERS: Mapping[str, tuple[str, str]] = {
    "nothing": ("0", "'samples' must be at least 1 ({}); raise it"),
    "less than nothing": ("-1", "'samples' must be at least 1 ({}); raise it"),
    "more than can be": ("1" + 30 * "0", "'samples' must be at most 1000000 ({}); lower it"),
    "a word": ("many", "'samples' must be a whole number, not 'many' ({}); change its value"),
    "a power": ("²", "'samples' must be a whole number, not '²' ({}); change its value"),
    "a fraction": ("1.5", "'samples' must be a whole number, not '1.5' ({}); change its value"),
    "a space": (" ", "'samples' must be a whole number, not ' ' ({}); change its value"),
    "a page of digits": ("9" * 5000, f"'samples' must be a whole number, not '{'9' * 59}... ({{}}"),
}


@pytest.mark.parametrize("case", NUMBERS)
def test_samples_must_be_a_number(case: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is no number, or out of range, is refused, and the message says where it was said."""
    value, message = NUMBERS[case]
    with pytest.raises(ConfigError) as caught:
        resolve({"samples": value}, Config(), Path())
    assert str(caught.value).startswith(message.format("command line"))
    monkeypatch.setenv("PYTEST_DIVERSITY_SAMPLES", value)
    with pytest.raises(ConfigError) as caught:
        resolve({}, Config(), Path())
    assert str(caught.value).startswith(message.format("PYTEST_DIVERSITY_SAMPLES"))


STORES: Mapping[str, tuple[str | None, Path]] = {
    "the default, under the root": (None, Path("/root/.diversity/samples.sqlite")),
    "relative to the root": ("a/b.sqlite", Path("/root/a/b.sqlite")),
    "absolute": ("/tmp/b.sqlite", Path("/tmp/b.sqlite")),  # noqa: S108 - nothing is written
    "at home": ("~/b.sqlite", Path.home() / "b.sqlite"),
    "a folder that looks like a home": ("~nobody-here/b", Path("/root/~nobody-here/b")),
}


@pytest.mark.parametrize("case", STORES)
def test_the_store(case: str) -> None:
    """The store's path is relative to pytest's root unless it is absolute."""
    given, path = STORES[case]
    assert resolve({"store": given}, Config(), Path("/root")).store == path


def test_what_the_header_shows(monkeypatch: pytest.MonkeyPatch) -> None:
    """All that was said, switches included, each with its origin; the store is shown elsewhere."""
    monkeypatch.setenv("PYTEST_DIVERSITY_RECORD", "true")
    monkeypatch.setenv("PYTEST_DIVERSITY_ALLOW_EXECUTION", "no")
    given: dict[str, Any] = {"samples": "3", "store": "s.sqlite", "adaptive": True}
    assert resolve(given, FILE, Path()).shown() == [
        "device mps (diversity.toml)",
        "samples 3 (command line)",
        "adaptive on (command line)",
        "strict on (diversity.toml)",
        "allow_execution off (environment)",
        "record on (environment)",
    ]
    assert Options().shown() == []


@pytest.mark.parametrize(("word", "adaptive"), [("no", False), ("yes", True), ("", True)])
def test_the_environment_overrides_what_a_domain_says(
    word: str,
    adaptive: bool,  # noqa: FBT001
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Both ways, where an option of the run is a key of a domain, too."""
    monkeypatch.setenv("PYTEST_DIVERSITY_ADAPTIVE", word)
    config = Config(domains={"d": Domain("d", adaptive=True)})
    session = Session(config, resolve({}, config, Path()), Path())
    assert session.workspace.domain("d").adaptive is adaptive


@pytest.mark.parametrize("dtype", ["auto", "bfloat16", "float32"])
def test_an_engine_that_sees_to_it_keeps_the_number_format(dtype: str) -> None:
    """vLLM's batch-invariant kernels are mostly for bfloat16, and float32 may have none."""
    config = replace(FILE, settings={"deterministic": True, "engine": "vllm", "dtype": dtype})
    assert resolve({}, config, Path()).dtype == dtype


def test_float32_is_needed_for_the_same_texts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wherever the two are said, they may not contradict each other."""
    config = replace(FILE, settings={"deterministic": True})
    assert resolve({}, config, Path()).dtype == "float32"
    monkeypatch.setenv("PYTEST_DIVERSITY_DTYPE", "bfloat16")
    with pytest.raises(ConfigError, match=r"dtype is 'bfloat16' \(PYTEST_DIVERSITY_DTYPE\); leave"):
        resolve({}, config, Path())
