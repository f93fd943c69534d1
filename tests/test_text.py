"""Numbers, names and tables as a person reads them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_diversity.text import columns, number, plural, shorten, visible

NUMBERS = [
    (None, "undefined"),
    (0.0, "0.000"),
    (0.0001234, "0.000123"),
    (0.5, "0.500"),
    (1.0, "1.00"),
    (-12.345, "-12.3"),
    (999.4, "999"),
    (123456.7, "123457"),
]


@pytest.mark.parametrize(("value", "shown"), NUMBERS)
def test_three_significant_digits(value: float | None, shown: str) -> None:
    """More are noise; whole numbers stay whole, and what is undefined says so."""
    assert number(value) == shown


@given(st.text(), st.integers(1, 40))
def test_a_name_fits_its_room(text: str, room: int) -> None:
    """On one line, and with an ellipsis only where something was cut."""
    shown = shorten(text, room)
    assert len(shown) <= room
    assert "\n" not in shown
    assert shown.endswith("…") or shown == visible(" ".join(text.split()))


def test_one_is_singular() -> None:
    """As people write it."""
    assert [plural(count, "prompt") for count in (0, 1, 2)] == [
        "0 prompts",
        "1 prompt",
        "2 prompts",
    ]


def test_columns_are_aligned() -> None:
    """Each is as wide as its widest cell, and no line ends in blanks."""
    assert columns([("a", "bb"), ("ccc", "d")]) == ["a    bb", "ccc  d"]
