"""`well_formed`: whether a text looks like prose at all."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_diversity.features.tokens import words
from pytest_diversity.judges.well_formed import well_formed

TEXTS: Mapping[str, tuple[str, bool]] = {
    "a sentence": ("The kettle sang in the empty house.", True),
    "a haiku": ("old pond\na frog leaps in\nwater's sound", True),
    "three words": ("Nobody came back.", True),
    "two words": ("Nobody came.", False),
    "nothing": ("", False),
    "white space": (" \n\t", False),
    "punctuation": ("... !!! ???", False),
    "digits": ("1 2 3 4 5 6 7 8 9", False),
    "a refrain": ("Row, row, row your boat, gently down the stream. Merrily, merrily, life.", True),
    "a loop": ("the same words again and " * 20, False),
    "a stuttered word": ("no " * 50, False),
    "a control token": ("The end of the story came.<|im_end|>", False),
    "a sentence token": ("The end of the story came.</s>", False),
    "a table of signs": ("| a | b |\n|---|---|\n|---|---|", False),
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
    """Prose of any script passes; loops, control tokens and mere signs do not."""
    text, expected = TEXTS[case]
    assert well_formed(text, words(text)) is expected


@given(st.text(st.characters(), max_size=80))
def test_any_text_is_judged(text: str) -> None:
    """No text is too odd, lone surrogates and control characters included."""
    assert well_formed(text, words(text)) in {True, False}
