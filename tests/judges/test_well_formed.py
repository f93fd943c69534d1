"""`well_formed`: whether a text looks like prose at all."""

from __future__ import annotations

import re
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_diversity.judges.well_formed import well_formed

TEXTS: Mapping[str, tuple[str, bool]] = {
    "a sentence": ("The kettle sang in the empty house.", True),
    "a haiku": ("old pond\na frog leaps in\nwater's sound", True),
    "three words": ("Nobody came back.", True),
    "two words": ("Nobody came.", True),
    "nothing": ("", False),
    "white space": (" \n\t", False),
    "dots without end": ("." * 80, False),
    "a number": ("42", True),
    "a name": ("Lisbon", True),
    "an emoji": ("🥑", True),
    "one line of code": ("wc -l file.txt", True),
    "a regular expression": (r"\d{4}-\d{2}", True),
    "invisible characters": ("\u200b\u200d\ufeff", False),
    "a refrain": ("Row, row, row your boat, gently down the stream. Merrily, merrily, life.", True),
    "a loop": ("the same words again and " * 20, False),
    "a stuttered word": ("no " * 50, False),
    "a control token": ("The end of the story came.<|im_end|>", False),
    "a sentence token": ("The end of the story came.</s>", False),
    "a table": ("| a | b |\n|---|---|\n| 1 | 2 |", True),
    "one sign in a loop": ("好" * 60, False),
    "one syllable in a loop": ("hahahaha" * 20, False),
    "Chinese": ("春天来了。花园里的花都开了。孩子们很高兴。", True),
    "Japanese": ("春が来て、庭の花が咲き、子どもたちは喜んだ。", True),
    "Thai": ("ฤดูใบไม้ผลิมาถึงแล้ว ดอกไม้บานในสวน", True),
    "Arabic": ("جاء الربيع وتفتحت الأزهار في الحديقة", True),
    "Hindi": ("वसंत आ गया और बगीचे में फूल खिल गए", True),
    "emoji among words": ("The sun came up 🌞 and everybody smiled.", True),
    "a lone surrogate": ("The kettle sang \ud800 in the house.", True),
}


@pytest.mark.parametrize("case", TEXTS)
def test_well_formed(case: str) -> None:
    """The prompt sets the form; loops, control tokens and nothing at all are no answers."""
    text, expected = TEXTS[case]
    assert well_formed("Write something.", text) is expected


@given(st.text(st.characters(), max_size=80))
def test_any_text_is_judged(text: str) -> None:
    """No text is too odd, lone surrogates and control characters included."""
    assert well_formed("", text) in {True, False}


def test_control_tokens_that_the_prompt_speaks_of() -> None:
    """Who is asked what a token does may name it."""
    assert well_formed("What does <|im_end|> do?", "<|im_end|> ends a turn.")


@given(st.text("ab", max_size=40), st.text("ab", min_size=1, max_size=26), st.integers(0, 14))
def test_a_loop_is_one_wherever_it_stands(text: str, unit: str, times: int) -> None:
    """A unit of up to 24 signs, 12 times or more, is a loop where it is most of the text."""
    for said in (text + unit * times, unit * times + text, text + unit * times + text[::-1]):
        runs = re.finditer(r"(\S{1,24}?)\1{11,}", said)
        stuck = any(len(run[0]) > len(said) / 2 for run in runs)
        assert well_formed("", said) is (bool(said) and not stuck)
