"""Bounds and changes: as they are written, refused and shown."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_diversity.config.budget import Budget, Change
from pytest_diversity.errors import ConfigError

from .loading import load


def test_a_budget_that_only_measures_needs_no_bound(tmp_path: Path) -> None:
    """With `level = "off"` a value is reported and nothing is asked of it."""
    config = load(tmp_path, "[domains.d.budget]\nlexical = { level = 'off' }")
    assert config.domain("d").budgets["lexical"] == Budget(level="off")


CHANGES: Mapping[str, tuple[object, Change | None]] = {
    "a share": ("5%", Change(0.05, relative=True)),
    "a share with a fraction and spaces": (" 2.5 % ", Change(0.025, relative=True)),
    "an amount": (0.02, Change(0.02, relative=False)),
    "no change": (0, Change(0.0, relative=False)),
    "an amount of a metric that counts": (5, Change(5.0, relative=False)),
    "all of it": ("100%", Change(1.0, relative=True)),
    "a negative share": ("-5%", None),
    "a negative amount": (-0.1, None),
    "more than all": ("101%", None),
    "more than any value": (float("inf"), None),
    "true": (True, None),
    "not a number": (float("nan"), None),
    "a number in quotes": ("0.02", None),
    "None": (None, None),
}


@pytest.mark.parametrize("case", CHANGES)
def test_changes(case: str) -> None:
    """A change is an amount or a share in percent, from nothing to all."""
    written, expected = CHANGES[case]
    if expected is None:
        with pytest.raises(ConfigError, match="change"):
            Change.parse(written)
    else:
        assert Change.parse(written) == expected


@given(st.integers(0, 1000), st.booleans())
def test_a_change_is_shown_as_it_is_read(thousandths: int, relative: bool) -> None:  # noqa: FBT001
    """What a message shows can be written into the file."""
    change = Change(thousandths / 1000, relative=relative)
    shown = str(change)
    read = Change.parse(shown if relative else float(shown))
    assert read.relative is relative
    assert read.amount == pytest.approx(change.amount)


BOUNDS: Mapping[str, object] = {"text": "0.4", "not a number": float("nan"), "true": True}


@pytest.mark.parametrize("case", BOUNDS)
def test_a_bound_given_in_python_is_checked_too(case: str) -> None:
    """An assertion's `min` or `max` that is no number is refused, not compared with."""
    wrong: dict[str, object] = {"max": BOUNDS[case]}
    with pytest.raises(ConfigError, match="max must be a number"):
        Budget(**wrong)  # type: ignore[arg-type] # that is the point
