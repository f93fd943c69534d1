"""Whether a text looks like prose at all: the quality threshold where no judge is configured."""

from __future__ import annotations

import re
from collections.abc import Sequence

__all__ = ["well_formed"]

_SHORTEST = 3  # words; a haiku has more
_LETTERS = 0.6  # of the characters that are not white space
_LOOP = 0.5  # distinct share of the 4-grams; human prose is above .9, a stuck model near 0
_MARKUP = re.compile(r"<\|[a-z_]+\|>|</?(?:s|bos|eos|pad|unk)>")


def well_formed(text: str, words: Sequence[str]) -> bool:
    """Whether `text` looks like prose at all: the documented check where no judge is configured.

    It has at least three words, is mostly letters, does not repeat itself in a loop, and shows no
    control tokens of a chat template. It says nothing about whether the prose is good.
    """
    visible = [character for character in text if not character.isspace()]
    letters = sum(character.isalpha() for character in visible)
    spoken = [word for word in words if any(character.isalnum() for character in word)]
    return (
        len(spoken) >= _SHORTEST
        and letters >= _LETTERS * len(visible)
        and _distinct_share(spoken) >= _LOOP
        and not _MARKUP.search(text)
    )


def _distinct_share(words: Sequence[str], n: int = 4) -> float:
    grams = list(zip(*(words[start:] for start in range(n)), strict=False))
    return len(set(grams)) / len(grams) if grams else 1.0
