"""Whether a text is one at all: the least that is asked of prose.

The form of an answer is the prompt's to set: "Lisbon", "42", a line of code and a haiku are right
answers, each to its own prompt. What is left to refuse is what answers no prompt: nothing at all,
control tokens of a chat template, and a model that is stuck in a loop.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

from pytest_diversity.config.quality import Quality
from pytest_diversity.judges.protocol import Judge, Pair
from pytest_diversity.judges.tools import Tools

__all__ = ["WELL_FORMED", "find", "well_formed"]

_MARKUP = re.compile(r"<\|[a-z_]+\|>|</?(?:s|bos|eos|pad|unk)>")
_LOOP = 0.5  # distinct share of the 4-grams; human prose is above .9, a stuck model near 0
_FEWEST = 12  # words; a refrain of fewer may be meant
_WORDS = re.compile(r"\w+")
_UNIT, _TIMES = 24, 12  # the most characters that are repeated, and how often at least
# in scripts without spaces, and of signs
_STUCK = re.compile(rf"(\S{{1,{_UNIT}}}?)\1{{{_TIMES - 1},}}")
_LARGEST = 0.5  # share of the visible text that one such run may be: rules of tables are less


def well_formed(prompt: str, text: str) -> bool:
    """Whether `text` is more than nothing, markup or a loop.

    It says nothing about whether the text answers the prompt, or is any good. Control tokens that
    the prompt itself speaks of are no fault.
    """
    return (
        any(map(_visible, text))
        and all(token in prompt for token in _MARKUP.findall(text))
        and not _loops(text)
    )


def _visible(character: str) -> bool:
    return not character.isspace() and unicodedata.category(character)[0] not in "CZ"


def _loops(text: str) -> bool:
    words = _WORDS.findall(text.casefold())
    if len(words) >= _FEWEST and _distinct_share(words) < _LOOP:
        return True
    visible = "".join(text.split())
    return _repeats_in_its_middle(visible) and any(
        len(run[0]) > _LARGEST * len(visible) for run in _STUCK.finditer(visible)
    )


def _repeats_in_its_middle(text: str) -> bool:
    """Whether a run may cover the middle, as one does that is more than half of the text.

    It says no to almost every text at a tenth of the cost of looking for all runs: half of the
    units of a run stand before the middle, or after it, and are the same one unit further on.
    """
    middle = len(text) // 2
    before, after = text[:middle], text[middle:]
    return any(
        after[: most - unit] == after[unit:most] or before[unit - most :] == before[-most:-unit]
        for unit, most in ((unit, unit * _TIMES // 2) for unit in range(1, _UNIT + 1))
    )


def _distinct_share(words: Sequence[str], n: int = 4) -> float:
    grams = list(zip(*(words[start:] for start in range(n)), strict=False))
    return len(set(grams)) / len(grams) if grams else 1.0


def _score(pairs: Sequence[Pair]) -> list[float]:
    return [float(well_formed(prompt, text)) for prompt, text in pairs]


WELL_FORMED = Judge(
    name="well_formed",
    version="2",
    score=_score,
    threshold=1.0,
    note="quality of prose is a well-formedness check, not a judge of its content",
    kept=False,
)


def find(quality: Quality, tools: Tools) -> Judge:  # noqa: ARG001 - every judge's
    """The one there is."""
    return WELL_FORMED
