"""Settings of a run: command line, environment, file, default, in this order."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from pytest_diversity.config.options import OPTIONS, resolve
from pytest_diversity.config.values import Config
from pytest_diversity.errors import ConfigError

FILE = Config(path=Path("diversity.toml"), settings={"device": "mps"})

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
    for name in (*OPTIONS, "strict"):
        monkeypatch.delenv(f"PYTEST_DIVERSITY_{name.upper()}", raising=False)


@pytest.mark.parametrize("case", PRECEDENCE)
def test_precedence(case: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The value of the first that says one is taken, and where it came from is kept."""
    given, environment, config, device, origin = PRECEDENCE[case]
    if environment is not None:
        monkeypatch.setenv("PYTEST_DIVERSITY_DEVICE", environment)
    options = resolve({"device": given}, config, Path("/root"))
    assert options.device == device
    assert options.origins.get("device") == origin


@pytest.mark.parametrize("value", ["0", "-1", "many", "²", "1.5", " "])
def test_samples_must_be_a_number(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Zero samples, or no number at all, is refused, and the message says where it was said."""
    with pytest.raises(ConfigError, match=r"\(command line\) is not a number above 0; for example"):
        resolve({"samples": value}, Config(), Path())
    monkeypatch.setenv("PYTEST_DIVERSITY_SAMPLES", value)
    with pytest.raises(ConfigError, match=r"\(environment\) is not a number above 0"):
        resolve({}, Config(), Path())


STORES: Mapping[str, tuple[str | None, Path]] = {
    "the default, under the root": (None, Path("/root/.diversity/samples.sqlite")),
    "relative to the root": ("a/b.sqlite", Path("/root/a/b.sqlite")),
    "absolute": ("/tmp/b.sqlite", Path("/tmp/b.sqlite")),  # noqa: S108 - nothing is written
    "at home": ("~/b.sqlite", Path.home() / "b.sqlite"),
}


@pytest.mark.parametrize("case", STORES)
def test_the_store(case: str) -> None:
    """The store's path is relative to pytest's root unless it is absolute."""
    given, path = STORES[case]
    assert resolve({"store": given}, Config(), Path("/root")).store == path


def test_strict(monkeypatch: pytest.MonkeyPatch) -> None:
    """The flag or the environment makes unclear verdicts fail."""
    assert not resolve({}, Config(), Path()).strict
    assert resolve({"strict": True}, Config(), Path()).strict
    monkeypatch.setenv("PYTEST_DIVERSITY_STRICT", "1")
    assert resolve({}, Config(), Path()).strict
