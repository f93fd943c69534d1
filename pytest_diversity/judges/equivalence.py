"""Whether two answers to one prompt mean the same: ways to tell, by name."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pytest_diversity.config.quality import Alike
from pytest_diversity.errors import ConfigError, did_you_mean, first_line
from pytest_diversity.functions import CALLABLE, digest_of, named

__all__ = ["Answers", "Equivalence", "find", "normalised", "opening_overlap"]

_OPENING = 20  # words
# What belongs to a number and is none itself: a sign and a point become characters that nothing
# else becomes, a comma between thousands goes, and a unit stands alone.
_MINUS, _MINUS_SIGN = re.compile(r"(?<!\w)[-\u2212](?=\.?\d)"), "\u2212"
_POINT, _POINT_SIGN = re.compile(r"(?<!\w)\.(?=\d)|(?<=\d)\.(?=\d)"), "\u00b7"
_COMMA = re.compile(r"(?<=\d),(?=\d{3}(?!\d))")
_UNITS = frozenset("%\u2030\u00b0")
_VERSIONS = {"normalised": "2"}  # of those that were changed
_GRADED = {"similarity": 0.55, "embedding": 0.2}  # below what distance two answers mean the same


@dataclass(frozen=True, slots=True)
class Answers:
    """K answers to one prompt, and what is known of them.

    Attributes:
        prompt: The prompt; empty where they are of several.
        prompt_words: Its words.
        texts: Each answer.
        words: The words of each.
        distances: Gives the cosine distances of their embeddings, shape (K, K).
    """

    prompt: str
    prompt_words: Sequence[str]
    texts: Sequence[str]
    words: Sequence[Sequence[str]]
    distances: Callable[[], NDArray[np.float64]]


@dataclass(frozen=True, slots=True)
class Equivalence:
    """A way to tell whether two answers mean the same.

    Attributes:
        name: As a domain's `equivalence` names it.
        version: Of its rule: values under another one are not compared with.
        near: Below this distance two answers mean the same.
        graded: Whether how far two answers lie apart says something, not only whether they differ.
        distances: Of answers, shape (K, K): symmetric, in [0, 1].
    """

    name: str
    version: str
    near: float
    graded: bool
    distances: Callable[[Answers], NDArray[np.float64]]

    def __str__(self) -> str:
        """All that the classes depend on, for a baseline."""
        near = f", same below {self.near:g}" if self.graded else ""
        return f"{self.name} {self.version}{near}"


def find(name: str | None, near: float | None, root: Path | None = None) -> Equivalence:
    """The equivalence that a domain names, or the default one.

    Args:
        name: `similarity`, `embedding`, `normalised`, `exact` or `callable:MODULE:FUNCTION`. If
            None, `similarity`; or `embedding` where a threshold was chosen, which is one of that.
        near: Below which distance answers mean the same; its default if None.
        root: Where a function's module is looked for, too.

    Raises:
        ConfigError: There is none of that name, or it has no threshold to choose.
    """
    chosen = name or ("similarity" if near is None else "embedding")
    if chosen in _GRADED:
        threshold = _GRADED[chosen] if near is None else near
        return Equivalence(chosen, "1", threshold, graded=True, distances=_RULES[chosen])
    if near is not None:
        raise ConfigError(
            f"the equivalence {chosen!r} has no distance that same_meaning = {near:g} could be of",
            fix='remove same_meaning, or choose "similarity" or "embedding"',
        )
    if chosen in _RULES:
        version = _VERSIONS.get(chosen, "1")
        return Equivalence(chosen, version, 0.5, graded=False, distances=_RULES[chosen])
    if chosen.startswith(CALLABLE):
        return _of_function(chosen, root or Path())
    raise ConfigError(
        f"unknown equivalence {chosen!r}",
        fix=did_you_mean(chosen.partition(":")[0], {*_RULES, *Alike.MODELS, CALLABLE.rstrip(":")}),
    )


def opening_overlap(
    words: Sequence[Sequence[str]], prompt_words: Sequence[str]
) -> NDArray[np.float64]:
    """Jaccard overlap of the words that answers open with, shape (K, K), in [0, 1], 1 is alike.

    Of each answer the first 20 words, less those of the prompt, which all answers share. Where an
    answer is short, what it says stands there; where it is long, an assistant says first what it is
    about to say. Answers without such words overlap with none but their equals.
    """
    said = {word.casefold() for word in prompt_words}
    openings = [_opening(answer) - said for answer in words]
    overlap = np.eye(len(words))
    for i, j in combinations(range(len(words)), 2):
        one, other = openings[i], openings[j]
        either = one | other
        shared = len(one & other) / len(either) if either else float(words[i] == words[j])
        overlap[i, j] = overlap[j, i] = shared
    return overlap


def normalised(text: str) -> str:
    """`text` in lower case, its letters and numbers alone, one space between words.

    Letters of any script with their marks, which may be vowels, and numbers with their signs,
    points, currencies and units. A text that has neither, such as an emoji, is kept.
    """
    plain = unicodedata.normalize("NFKC", text).casefold()
    numbers = _COMMA.sub("", _POINT.sub(_POINT_SIGN, _MINUS.sub(_MINUS_SIGN, plain)))
    return " ".join("".join(map(_kept, numbers)).split()) or plain.strip()


def _kept(character: str) -> str:
    category = unicodedata.category(character)
    if category[0] in "LNM" or character in (_MINUS_SIGN, _POINT_SIGN):
        return character
    return f" {character} " if category == "Sc" or character in _UNITS else " "


def _opening(words: Sequence[str]) -> set[str]:
    spoken = [word.casefold() for word in words if any(map(str.isalnum, word))]
    return set(spoken[:_OPENING])


def _similarity(answers: Answers) -> NDArray[np.float64]:
    overlap = opening_overlap(answers.words, answers.prompt_words)
    apart: NDArray[np.float64] = (answers.distances() + 1 - overlap) / 2
    return apart


def _by_key(key: Callable[[str], Hashable]) -> Callable[[Answers], NDArray[np.float64]]:
    def distances(answers: Answers) -> NDArray[np.float64]:
        keys = [key(text) for text in answers.texts]
        return np.array([[float(one != other) for other in keys] for one in keys])

    return distances


_RULES: dict[str, Callable[[Answers], NDArray[np.float64]]] = {
    "similarity": _similarity,
    "embedding": lambda answers: answers.distances(),
    "normalised": _by_key(normalised),
    "exact": _by_key(lambda text: text),
}


def _of_function(name: str, root: Path) -> Equivalence:
    """`MODULE:FUNCTION`, whose `version` is its own attribute, else a digest of its source."""
    function = named("equivalence", name, root)

    def distances(answers: Answers) -> NDArray[np.float64]:
        texts = list(dict.fromkeys(answers.texts))
        same = np.eye(len(texts), dtype=bool)
        for i, j in combinations(range(len(texts)), 2):
            both = ((texts[i], texts[j]), (texts[j], texts[i]))
            said = (_asked(name, function, answers.prompt, *pair) for pair in both)
            same[i, j] = same[j, i] = all(said)
        places = [texts.index(text) for text in answers.texts]
        return 1.0 - same[np.ix_(places, places)]

    version = str(getattr(function, "version", None) or digest_of(function))
    return Equivalence(name, version, 0.5, graded=False, distances=distances)


def _asked(name: str, function: Callable[..., Any], prompt: str, one: str, other: str) -> bool:
    try:
        said = function(prompt, one, other)
    except Exception as error:
        raise ConfigError(
            f"the equivalence {name!r} failed: {first_line(error)}", fix="correct the function"
        ) from error
    if not isinstance(said, bool | np.bool_):
        raise ConfigError(
            f"the equivalence {name!r} said {said!r:.60}, which is neither True nor False",
            fix="return whether both answers mean the same",
        )
    return bool(said)
