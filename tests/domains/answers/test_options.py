"""The options that a prompt offers, and the one that an answer takes."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from pytest_diversity.domains.answers import choice, options

LISTED = "What is the capital of France?\nA. Paris\nB. London\nC) Rome\nD. It is A or B"
OFFERED: Mapping[str, tuple[str, dict[str, str]]] = {
    "a list": (LISTED, {"A": "Paris", "B": "London", "C": "Rome", "D": "It is A or B"}),
    "in a line": ("Pick: (A) red (B) dark blue", {"A": "red", "B": "dark blue"}),
    "the last of several lists": ("A. 1\nB. 2\n\nA. 3\nB. 4", {"A": "3", "B": "4"}),
    "questions and answers": ("Q: a\nA: b\nQ: c\nA: d", {}),
    "one letter": ("See appendix A. Then go on.", {}),
    "none": ("What is 3 + 4?", {}),
}


@pytest.mark.parametrize("case", OFFERED)
def test_options(case: str) -> None:
    """Two or more letters in a row, from A."""
    prompt, expected = OFFERED[case]
    assert options(prompt) == expected


TAKEN: Mapping[str, str | None] = {
    "A": "A",
    "(B)": "B",
    "b)": "B",
    "b": "B",
    "**B**": "B",
    "B. London": "B",
    "C) Rome, of course": "C",
    "Option C": "C",
    r"\text{(C)}": "C",
    "Paris": "A",
    "the paris.": "A",
    "A because of history": "A",
    "A dog": None,
    "E": None,
    "Berlin": None,
    "x" * 1000: None,
}


@pytest.mark.parametrize("said", TAKEN, ids=lambda said: said[:20])
def test_choices(said: str) -> None:
    """By the letter, or by the text of an option."""
    assert choice(said, options(LISTED)) == TAKEN[said]
