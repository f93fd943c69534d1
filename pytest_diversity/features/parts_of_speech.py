"""Parts of speech of English prose, by textblob's tagger, whose model is in its wheel."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from functools import cache, lru_cache
from itertools import chain

from pytest_diversity.errors import require

__all__ = ["demand_tagger", "parts_of_speech"]

_ENDS = frozenset(".!?")


def parts_of_speech(tokens: Sequence[str]) -> tuple[str, ...]:
    """The Penn Treebank tag of each word and punctuation mark of a text, given as tokens.

    Deterministic and without a download: a lexicon with rules. English only.

    Raises:
        MissingExtraError: textblob is not installed.
    """
    opens = chain((True,), map(_ENDS.__contains__, tokens))  # the first one, and those after an end
    return tuple(map(_tag, tokens, opens))


@lru_cache(maxsize=2**16)
def _tag(token: str, opens: bool) -> str:  # noqa: FBT001 - mapped over tokens
    """The tag of a token; whether it opens a sentence is all that the rules read around it.

    The first word of a sentence is looked up in lower case, too.
    """
    tag: str = _tagger()([token] if opens else [".", token])[-1][1]
    return tag


def demand_tagger() -> None:
    """Refuse what needs parts of speech where textblob is not installed.

    Raises:
        MissingExtraError: It is not.
    """
    require("parts of speech", package="textblob", extra="prose")


@cache
def _tagger() -> Callable[..., list[list[str]]]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it leaves the files of its model open, read at first use
        demand_tagger()
        from textblob.en import parser  # noqa: PLC0415 - optional

        find: Callable[..., list[list[str]]] = parser.find_tags
        find(["the", "unheardof"])
    return find
