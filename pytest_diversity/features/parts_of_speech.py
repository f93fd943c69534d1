"""Parts of speech of English prose, by textblob's tagger, whose model is in its wheel."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from functools import cache

from pytest_diversity.errors import require

__all__ = ["demand_tagger", "parts_of_speech"]

_ENDS = frozenset(".!?")


def parts_of_speech(tokens: Sequence[str]) -> tuple[str, ...]:
    """The Penn Treebank tag of each word and punctuation mark of a text, given as tokens.

    Deterministic and without a download: a lexicon with rules. English only.

    Raises:
        MissingExtraError: textblob is not installed.
    """
    find = _tagger()
    return tuple(tag for sentence in _sentences(tokens) for _, tag in find(sentence))


def _sentences(tokens: Sequence[str]) -> Iterator[list[str]]:
    """Cut after full stops: the tagger reads the first word of a sentence in lower case."""
    sentence: list[str] = []
    for token in tokens:
        sentence.append(token)
        if token in _ENDS:
            yield sentence
            sentence = []
    if sentence:
        yield sentence


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
