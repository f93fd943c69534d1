"""Values of the reference implementations, computed beside ours on real texts."""

from __future__ import annotations

import inspect
import json
import textwrap
from collections.abc import Mapping, Sequence
from itertools import combinations
from statistics import fmean

import pytest
from nltk.translate.bleu_score import SmoothingFunction, sentence_bleu
from rouge_score.rouge_scorer import RougeScorer
from rouge_score.tokenizers import Tokenizer

from pytest_diversity import metrics as m
from pytest_diversity.features.syntax import analyse
from pytest_diversity.features.tokens import words

PROSE = [
    words(paragraph)
    for module in (json, textwrap, inspect)
    for _, member in sorted(inspect.getmembers(module, inspect.isroutine))
    for paragraph in (inspect.getdoc(member) or "").split("\n\n")
    if len(paragraph.split()) > 3
][:60]
CODE = [
    analyse(inspect.getsource(member), "python").tokens
    for module in (textwrap, inspect)
    for _, member in sorted(inspect.getmembers(module, inspect.isfunction))
    if member.__code__.co_filename
    == module.__file__  # other libraries put their own in their place
][:40]
TEXTS: Mapping[str, Sequence[Sequence[str]]] = {
    "documentation": PROSE,
    "programs": CODE,
    "and short texts": [*PROSE[:20], ["a"], ["b"]],
}


@pytest.mark.parametrize("n", [2, 3, 4, 5])
@pytest.mark.parametrize("kind", TEXTS)
def test_self_bleu_is_nltk(kind: str, n: int) -> None:
    """Self-BLEU is NLTK's sentence_bleu against all other texts, smoothing method 1."""
    texts = TEXTS[kind]
    smoothing = SmoothingFunction().method1
    theirs = fmean(
        sentence_bleu(
            [*texts[:i], *texts[i + 1 :]], text, weights=[1 / n] * n, smoothing_function=smoothing
        )
        for i, text in enumerate(texts)
    )
    assert m.self_bleu(texts, n=n) == pytest.approx(theirs, abs=1e-9)


class Spaces(Tokenizer):  # type: ignore[misc]  # untyped
    """Tokens are what spaces separate: here numbers, one for each different token."""

    def tokenize(self, text: str) -> list[str]:
        return text.split(" ")


@pytest.mark.long
@pytest.mark.parametrize("kind", TEXTS)
def test_homogenization_is_rouge_score(kind: str) -> None:
    """Homogenization is rouge-score's ROUGE-L F1, averaged over the true pairs."""
    texts = TEXTS[kind]
    known = {token: str(number) for number, token in enumerate({t for text in texts for t in text})}
    numbered = [" ".join(known[token] for token in text) for text in texts]
    scorer = RougeScorer(["rougeL"], tokenizer=Spaces())
    theirs = fmean(
        scorer.score(first, second)["rougeL"].fmeasure
        for first, second in combinations(numbered, 2)
    )
    assert m.homogenization(texts) == pytest.approx(theirs, abs=1e-9)


def test_pair_distinct_is_its_formula() -> None:
    """On real texts the sparse form gives what a loop over the pairs gives."""

    def grams(text: tuple[str, ...]) -> list[tuple[str, ...]]:
        return [tuple(text[i : i + 4]) for i in range(len(text) - 3)]

    def share(first: tuple[str, ...], second: tuple[str, ...]) -> float:
        both = grams(first) + grams(second)
        return len(set(both)) / len(both)

    texts = [text for text in PROSE if len(text) > 3]
    theirs = fmean(share(first, second) for first, second in combinations(texts, 2))
    assert m.pair_distinct(texts) == pytest.approx(theirs, abs=1e-12)
