"""Looking at things strictly, or noting all that is wrong with them."""

from __future__ import annotations

import pytest

from pytest_diversity.errors import ConfigError
from pytest_diversity.findings import DoubtError, Finding, Findings, strictly


def test_strictly_the_first_error_is_raised() -> None:
    """As a run does before anything is drawn."""
    with pytest.raises(ConfigError, match="no such thing"), strictly("a thing"):
        raise ConfigError("no such thing")


def test_a_broken_thing_never_hides_the_next() -> None:
    """Errors, doubts and whatever a module of the user's does are noted, and gone on behind."""
    look = Findings()
    with look("one"):
        raise ConfigError("is broken", fix="mend it")
    with look("two"):
        raise DoubtError("may not be meant")
    with look("three"):
        raise SystemExit(3)
    with look("four") as note:
        note("all right")
    assert [*look] == [
        Finding("FAIL", "one", "is broken", "mend it"),
        Finding("warn", "two", "may not be meant", None),
        Finding("FAIL", "three", "SystemExit: 3"),
        Finding("ok", "four", "all right"),
    ]
    assert [look.failed(what) for what in ("one", "two", "four")] == [True, False, False]
    assert [look.doubted(what) for what in ("one", "two", "four")] == [True, True, False]


def test_one_thing_looked_at_often() -> None:
    """A fault is said once, however often it is met, and in place of what is fine beside it."""
    look = Findings("later", "first")
    for _ in range(2):
        with look("first") as note:
            note("a part")
            raise ConfigError("the same")
    with look("later") as note:
        note("a part")
        note("a part")
    assert [*look] == [Finding("ok", "later", "a part"), Finding("FAIL", "first", "the same")]
