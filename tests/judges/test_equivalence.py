"""Ways to tell whether two answers mean the same."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from pytest_diversity.config.values import Domain
from pytest_diversity.errors import ConfigError
from pytest_diversity.estimate import measure
from pytest_diversity.features.tokens import words
from pytest_diversity.judges.equivalence import Answers, find, normalised, opening_overlap
from pytest_diversity.metrics import connected_classes

SAME: Mapping[str, tuple[str, str, bool]] = {
    "letter case and a full stop": ("Lisbon.", "lisbon", True),
    "marks of Markdown": ("**Lisbon**", "Lisbon", True),
    "white space": ("a  b\n\nc", "a b c", True),
    "wide digits": ("\uff14\uff12", "42", True),
    "vowel signs of Hindi": ("\u0915\u093f", "\u0915\u0940", False),
    "other numbers": ("42", "43", False),
    "the order of words": ("man bites dog", "dog bites man", False),
    "only marks, other ones": ("!?", "...", False),
    "two emoji": ("\U0001f600", "\U0001f622", False),
    "a minus": ("It is -5.", "It is 5.", False),
    "a minus and a minus sign": ("-5", "\u22125", True),
    "a hyphen": ("well-known", "well known", True),
    "a minus and the letter n": ("-5", "n5", False),
    "a minus before a point": ("-.5", ".5", False),
    "a point within a number": ("3.5", "35", False),
    "a point and a comma that separates": ("3.5", "3, 5", False),
    "a comma between thousands": ("1,234,567", "1234567", True),
    "a comma in a list": ("1, 23", "123", False),
    "a percentage": ("5%", "5", False),
    "a percentage, apart": ("5 %", "5%", True),
    "a currency": ("$5", "5", False),
    "two currencies": ("$5", "\u20ac5", False),
    "degrees": ("5\u00b0", "5", False),
    "the end of a sentence after a number": ("It is 5.", "It is 5", True),
}


@pytest.mark.parametrize("case", SAME)
def test_the_same_once_normalised(case: str) -> None:
    """Layout and case are not meaning; letters, digits and their order are."""
    one, other, same = SAME[case]
    assert (normalised(one) == normalised(other)) is same


def answers(
    texts: Sequence[str], prompt: str = "", distances: NDArray[np.float64] | None = None
) -> Answers:
    """With embeddings that are all one, unless distances say otherwise."""
    known = np.zeros((len(texts),) * 2) if distances is None else distances
    return Answers(prompt, words(prompt), texts, list(map(words, texts)), lambda: known)


OPENINGS: Mapping[str, tuple[str, str, float]] = {
    "one of two words is shared": ("red roses", "red tulips", 1 / 3),
    "words of the prompt do not count": ("the capital is Paris", "the capital is Rome", 0.0),
    "letter case does not count": ("PARIS", "paris", 1.0),
    "marks do not count": ("Paris!", "Paris.", 1.0),
    "nothing but the prompt's words, equal": ("the capital", "the capital", 1.0),
    "nothing but the prompt's words, unequal": ("the capital", "capital the", 0.0),
    "what comes after the twentieth word does not count": (
        " ".join(f"w{i}" for i in range(20)) + " here",
        " ".join(f"w{i}" for i in range(20)) + " elsewhere",
        1.0,
    ),
}


@pytest.mark.parametrize("case", OPENINGS)
def test_openings(case: str) -> None:
    """How much of what two answers say first is the same."""
    one, other, expected = OPENINGS[case]
    overlap = opening_overlap([words(one), words(other)], words("What is the capital?"))
    assert overlap[0, 1] == overlap[1, 0] == pytest.approx(expected)


def test_similarity_is_the_mean_of_meaning_and_opening() -> None:
    """Golden: cosine distance .4 and an overlap of 1/3 lie (.4 + 2/3) / 2 apart."""
    apart = find(None, None).distances(
        answers(["red roses", "red tulips"], distances=np.array([[0, 0.4], [0.4, 0]]))
    )
    assert apart[0, 1] == pytest.approx((0.4 + 2 / 3) / 2)


TEXTS = st.lists(st.text("ab .\n", max_size=6), min_size=1, max_size=6)


@given(TEXTS, st.randoms(use_true_random=False))
@pytest.mark.parametrize("name", ["similarity", "normalised", "exact"])
def test_classes_do_not_depend_on_the_order(name: str, texts: list[str], random: Any) -> None:
    """Distances are symmetric, 0 between equals, within [0, 1]; shuffled answers, equal classes."""
    way = find(name, None)
    apart = way.distances(answers(texts))
    assert (apart == apart.T).all()
    assert ((apart >= 0) & (apart <= 1)).all()
    assert all(apart[i, j] == 0 for i, a in enumerate(texts) for j, b in enumerate(texts) if a == b)
    order = list(range(len(texts)))
    random.shuffle(order)
    classes = connected_classes(apart, way.near)
    shuffled = connected_classes(way.distances(answers([texts[i] for i in order])), way.near)
    assert _pairs(shuffled) == _pairs([classes[i] for i in order])


def _pairs(classes: Sequence[int]) -> list[list[bool]]:
    return [[one == other for other in classes] for one in classes]


UNKNOWN: Mapping[str, tuple[str | None, float | None, str]] = {
    "a misspelling": ("similarty", None, "did you mean 'similarity'"),
    "no such module": ("callable:nosuch:f", None, "cannot be found"),
    "no function named": ("callable:json", None, "cannot be found"),
    "not a function": ("callable:json:__doc__", None, "is no function"),
    "a threshold that nothing has": ("exact", 0.3, "has no distance"),
}


@pytest.mark.parametrize("case", UNKNOWN)
def test_what_is_no_equivalence(case: str) -> None:
    """One sentence, before anything is measured."""
    name, near, message = UNKNOWN[case]
    with pytest.raises(ConfigError, match=message):
        find(name, near)


def test_a_threshold_alone_is_of_embeddings() -> None:
    """As it was before there was a choice."""
    assert str(find(None, 0.3)) == "embedding 1, same below 0.3"
    assert str(find(None, None)) == "similarity 1, same below 0.55"


@pytest.fixture
def module(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """A module of the user's, `mine`."""
    made = ModuleType("mine")
    monkeypatch.setitem(sys.modules, "mine", made)
    return made


def _of(equivalence: str | None) -> Domain:
    return Domain("capitals", equivalence=equivalence)


CITIES = ["Lisbon", "lisbon!", "Lisbon", "Porto"]
VALID = {"valid": [True] * 4}


def _no_embedder(_: Sequence[str]) -> NDArray[np.float32]:
    raise AssertionError("nothing is embedded")


@pytest.mark.parametrize(("name", "expected"), [("exact", 5 / 6), ("normalised", 3 / 6)])
def test_meanings_that_just_differ(name: str, expected: float) -> None:
    """Effective diversity counts the pairs that differ, and needs no embedder."""
    value = measure(
        CITIES, "effective_pairs()", domain=_of(name), embed=_no_embedder, given=VALID
    ).value
    assert value == pytest.approx(expected)


def test_a_function_of_the_users(module: ModuleType) -> None:
    """It sees both answers, in either order until one says no, and never equal texts."""
    seen = []

    def same(prompt: str, one: str, other: str) -> bool:
        seen.append((prompt, one, other))
        return one[0].lower() == other[0].lower()

    module.same = same  # type: ignore[attr-defined]
    domain = _of("callable:mine:same")
    value = measure(CITIES, "hill(q=0)", domain=domain, embed=_no_embedder, given=VALID).value
    assert value == pytest.approx(2)
    assert len(seen) == 2 + 1 + 1
    assert len(set(seen)) == len(seen)


def test_both_orders_must_agree(module: ModuleType) -> None:
    """A one-sided "follows from" is not "means the same"."""
    module.follows = lambda _, one, other: len(one) >= len(other)  # type: ignore[attr-defined]
    domain = _of("callable:mine:follows")
    texts = ["a", "aa", "b"]
    value = measure(texts, "hill(q=0)", domain=domain, given={"valid": [True] * 3}).value
    assert value == pytest.approx(2)


WRONG: Mapping[str, tuple[Any, str]] = {
    "a number": (0.7, "said 0.7, which is neither True nor False"),
    "nothing": (None, "said None, which is neither"),
    "a word": ("yes", "said 'yes', which is neither"),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_function_that_does_not_say(module: ModuleType, case: str) -> None:
    """No answer is guessed from what is not one."""
    said, message = WRONG[case]
    module.same = lambda *_: said  # type: ignore[attr-defined]
    with pytest.raises(ConfigError, match=message):
        measure(CITIES, "hill(q=0)", domain=_of("callable:mine:same"), given=VALID)


def test_a_function_that_raises(module: ModuleType) -> None:
    """Its error is one sentence."""

    def same(*_: str) -> bool:
        raise KeyError("lisbon")

    module.same = same  # type: ignore[attr-defined]
    with pytest.raises(ConfigError, match=r"failed: .*lisbon"):
        measure(CITIES, "hill(q=0)", domain=_of("callable:mine:same"), given=VALID)


def test_across_prompts() -> None:
    """Answers of several prompts are compared without one."""
    samples = {"Name a city.": CITIES, "And another.": ["Porto", "Faro", "porto", "Evora"]}
    given = {"valid": {prompt: [True] * 4 for prompt in samples}}
    value = measure(samples, "hill(q=0)", domain=_of("normalised"), across=True, given=given).value
    assert value is not None
    assert 1 <= value <= 2
