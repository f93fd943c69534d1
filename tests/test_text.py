"""Numbers, names and tables as a person reads them."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_diversity.errors import DataError
from pytest_diversity.text import (
    columns,
    cut,
    number,
    plural,
    shorten,
    squeeze,
    visible,
    width,
    wrap,
)

NUMBERS: Mapping[str, tuple[float | None, str]] = {
    "three significant digits": (0.31249, "0.312"),
    "trailing zeros are digits": (0.5, "0.500"),
    "one": (1.0, "1.00"),
    "above one": (12.345, "12.3"),
    "hundreds": (999.4, "999"),
    "thousands": (12345.6, "12346"),
    "small": (0.0001234, "0.000123"),
    "tiny": (0.0000033333, "3.33e-06"),
    "zero": (0.0, "0.000"),
    "negative": (-0.25, "-0.250"),
    "undefined": (None, "undefined"),
}


@pytest.mark.parametrize("case", NUMBERS)
def test_three_significant_digits(case: str) -> None:
    """More are noise; whole numbers stay whole, and what is undefined says so."""
    value, shown = NUMBERS[case]
    assert number(value) == shown


@given(st.text(), st.integers(1, 40))
def test_a_name_fits_its_room(text: str, room: int) -> None:
    """On one line, and with an ellipsis only where something was cut."""
    shown = shorten(text, room)
    assert len(shown) <= room
    assert "\n" not in shown
    assert shown.endswith("…") or shown == visible(" ".join(text.split()))


UNSEEN = {
    "an escape sequence": ("a\x1b[31mb", r"a\x1b[31mb"),
    "a carriage return": ("done\rfail", r"done\rfail"),
    "a backspace and a bell": ("a\x08\x07", r"a\x08\x07"),
    "a control character of eight bits": ("\x9b31m", r"\x9b31m"),
    "a bidi override": ("a\u202eb\u2066", r"a\u202eb\u2066"),
    "a zero width": ("a\u200bb\ufeff", r"a\u200bb\ufeff"),
    "a line of another kind": ("a\u2028b\x85", r"a\u2028b\x85"),
    "half of a surrogate pair": ("\ud83d", r"\ud83d"),
    "a tag": ("\U000e0041", r"\U000e0041"),
    "a line and a tab": ("a\n\tb", "a\n\tb"),
    "other scripts": ("schön 好 नमस्ते", "schön 好 नमस्ते"),
    "blanks of other kinds": ("a\u00a0b\u3000c", "a\u00a0b\u3000c"),
}


@pytest.mark.parametrize("case", UNSEEN)
def test_what_a_terminal_obeys_is_shown(case: str) -> None:
    """Control characters are escaped, once however often; letters of all scripts stay."""
    text, shown = UNSEEN[case]
    assert visible(text) == visible(visible(text)) == shown
    assert str(DataError(text, fix=text)) == f"{shown}; {shown}"


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


WIDTHS = {"letters": ("abc", 3), "two each": ("模型", 4), "an accent of its own": ("e\u0301", 1)}


@pytest.mark.parametrize(("text", "places"), WIDTHS.values(), ids=WIDTHS)
def test_how_wide_a_text_is(text: str, places: int) -> None:
    """In columns of a terminal, which is not how many characters it has."""
    assert width(text) == places


@given(st.text(), st.integers(4, 40))
def test_wrapped_lines_fit_and_lose_nothing(text: str, room: int) -> None:
    """But for blanks, of which the following lines begin with two."""
    line = visible(" ".join(text.split()))
    lines = wrap(line, room)
    assert all(width(one) <= room for one in lines)
    assert all(one.startswith("  ") for one in lines[1:])
    assert "".join("".join(lines).split()) == "".join(line.split())


@given(st.text(), st.integers(1, 40))
def test_what_is_cut_fits(text: str, room: int) -> None:
    """In columns of a terminal."""
    line = visible(" ".join(text.split()))
    assert width(cut(line, room)) <= room
    assert cut(line, room) == line or cut(line, room).endswith("…")


@given(st.text(), st.integers(1, 40))
def test_what_is_squeezed_fits(text: str, room: int) -> None:
    """As what is cut."""
    line = visible(" ".join(text.split()))
    assert width(squeeze(line, room)) <= room
    assert squeeze(line, room) == line or "…" in squeeze(line, room)


def test_names_of_one_run_stay_apart() -> None:
    """They differ at their ends."""
    assert squeeze("runs/dpo/checkpoint-1200", 14) == "runs/…int-1200"
