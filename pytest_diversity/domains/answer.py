"""What the kind `answer` knows: one short final answer, and the reasoning that leads to it.

For mathematics, choices and extraction. The reasoning is what is varied in words and structure, the
answers are what is varied in meaning: where all should agree, that variety is the fault.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping
from functools import cache

from pytest_diversity.config.values import Domain
from pytest_diversity.domains.answers import Found, choice, meaning, options, reader
from pytest_diversity.domains.answers.find import Reader, marked
from pytest_diversity.domains.answers.meaning import number, numbers_in, result
from pytest_diversity.domains.common import COMMON
from pytest_diversity.domains.prose import PROSE
from pytest_diversity.features import Features, Kind, UndefinedFeatureError
from pytest_diversity.prompts import Prompt
from pytest_diversity.thinking import split

__all__ = ["ANSWER"]

_LETTERS = "ABCDEFGHIJ"
_FORMULA = re.compile(r"[\\^√*/(=]")
_WORDS = 3  # of an answer to a question for a number that holds none, as in "no solution"


def _found(features: Features) -> Mapping[str, list[Found | None]]:
    """Where each final answer stands; models repeat themselves, and a text is read once."""
    read = cache(reader(features.domain.extract, features.domain.root))
    found = {}
    for name, group in features.samples.items():
        beginning = split(features.prompt(name).prefill).answer
        found[name] = [None if one.fault else _after(beginning, one.text, read) for one in group]
    return found


def _after(beginning: str, text: str, read: Reader) -> Found | None:
    """What is found in a text with its given beginning, and where in the text alone."""
    found, shift = read(beginning + text), len(beginning)
    return found and Found(found.said, max(0, found.start - shift), max(0, found.end - shift))


def _reasoning(features: Features) -> Mapping[str, list[str]]:
    """Each text without its final answer."""
    return {
        name: [
            sample.text if one is None else sample.text[: one.start] + sample.text[one.end :]
            for sample, one in zip(group, features["found"][name], strict=True)
        ]
        for name, group in features.samples.items()
    }


def _answers(features: Features) -> Mapping[str, list[str | None]]:
    """What each final answer means; None where there is none."""
    answers = {}
    for name, group in features["found"].items():
        means = _reader_of(features.prompt(name))
        answers[name] = [one and means(one.said) for one in group]
    return answers


def _reader_of(prompt: Prompt) -> Callable[[str], str | None]:
    """What an answer means to a prompt: an option, the number that it asks for, or a text."""
    right = _right(prompt)
    offered = options(prompt.prompt)
    if not offered and len(right) == 1 and right.upper() in _LETTERS:
        offered = dict.fromkeys(_LETTERS, "")  # they stand elsewhere, as in its messages
    numeric = number(right) is not None

    def means(said: str) -> str | None:
        letter = choice(said, offered) if offered else None
        return letter or (_quantity(said) if numeric else meaning(said))

    return cache(means)


def _quantity(said: str) -> str | None:
    """The number that an answer comes to: an equation's, or of a sentence the last one in it."""
    if (value := result(said)) is not None:
        return meaning(value)
    if number(said) is not None or _FORMULA.search(said):
        return meaning(said)
    numbers = numbers_in(said)
    if numbers:
        return meaning(numbers[-1])
    return meaning(said) if len(said.split()) <= _WORDS else None


def _right(prompt: Prompt) -> str:
    """The right answer as it is written, also where its solution stands before it."""
    found = marked(prompt.answer) if prompt.answer else None
    return found.said.strip() if found else prompt.answer or ""


def _valid(features: Features) -> Mapping[str, list[bool]]:
    return {name: [one is not None for one in group] for name, group in features["answers"].items()}


def _correct(features: Features) -> Mapping[str, list[bool]]:
    answers = features["answers"]
    for name in answers:
        if features.prompt(name).answer is None:
            raise UndefinedFeatureError(
                f"prompt {name!r} has no right answer to judge by",
                fix='add "answer" to it, or measure validity()',
            )
    right = {name: _reader_of(prompt)(_right(prompt)) for name, prompt in features.prompts.items()}
    return {
        name: [one is not None and one == right[name] for one in group]
        for name, group in answers.items()
    }


def _notes(features: Features) -> Mapping[str, str]:
    """How many answers hold no final answer; what is no answer at all is counted as that."""
    missing = Counter(
        one is None
        for name, group in features.samples.items()
        for one, sample in zip(features["answers"][name], group, strict=True)
        if sample.fault is None
    )
    if not missing[True]:
        return {}
    note = f"{missing[True]} of {missing.total()} answers hold no final answer: they are invalid"
    return dict.fromkeys(("semantic", "effective", "quality"), note)


def _check(domain: Domain) -> None:
    reader(domain.extract, domain.root)


ANSWER = Kind(
    name="answer",
    features={
        **COMMON,
        "texts": _reasoning,
        **{name: PROSE.features[name] for name in ("tokens", "tags")},
        "found": _found,
        "answers": _answers,
        "labels": lambda features: features["answers"],
        "valid": _valid,
        "correct": _correct,
        "passed": lambda features: features["correct"],
    },
    metrics={
        "lexical": "pair_distinct(n=4)",
        "syntactic": "pair_pos_distinct(n=4)",
        "semantic": "pair_semantic()",
        "effective": "effective_pairs()",
        "quality": "correctness()",
    },
    notes=_notes,
    check=_check,
    settings=("extract",),
    packages=PROSE.packages,
    # an answer answers the question of its own prompt
    within=frozenset({"labels"}),
)
