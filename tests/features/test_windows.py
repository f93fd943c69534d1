"""Equal token counts in windows: what stands together stays together."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_diversity import measure, metrics
from pytest_diversity.config.values import Domain
from pytest_diversity.domains.build import features_of
from pytest_diversity.errors import ConfigError
from pytest_diversity.features.windows import controlled
from pytest_diversity.metrics import parse
from pytest_diversity.samples import SampleSet

LONG = "a b c d e f g h i"
SHORT = "k l m n o"


def test_windows_stand_at_the_same_places_of_all_texts() -> None:
    """Five of them, from the first token to the last, as long as the counterpart's text."""
    domain = Domain("d")
    long, short = (features_of(SampleSet.of([text]), domain) for text in (LONG, SHORT))
    found = controlled(long, parse("distinct(n=1)"), "windows", short)
    windows = ["".join(part["tokens"][""][0]) for part in found.parts]
    assert windows == ["abcde", "bcdef", "cdefg", "defgh", "efghi"]
    assert found.mean_length == 5
    whole = controlled(short, parse("distinct(n=1)"), "windows", long)
    assert [list(part["tokens"][""]) for part in whole.parts] == [[tuple("klmno")]]


@pytest.mark.parametrize("metric", ["pair_distinct(n=2)", "self_bleu(n=2)", "pair_pos_distinct"])
def test_equal_lengths_change_nothing(metric: str) -> None:
    """Then a window is the whole text, to the last digit."""
    texts = {"p": ["the cat sat on a mat", "a dog sat on the mat"], "q": ["go now", "stay here"]}
    whole = measure(texts, metric)
    same = measure(texts, metric, length_control="windows", reference=texts)
    assert same.per_prompt == whole.per_prompt
    assert same.notes[-1] == "in windows of 4.0 tokens a text, as on the other side"


def test_copies_stay_copies() -> None:
    """Where n-grams are drawn at random, two copies of a long text look different."""
    copies, short = [" ".join(f"w{n}" for n in range(200))] * 2, ["a b c d e f g h", "i j k l m n"]

    def at(control: str) -> float | None:
        return measure(copies, "pair_distinct(n=4)", length_control=control, reference=short).value

    assert measure(copies, "pair_distinct(n=4)").value == 0.5
    assert at("windows") == pytest.approx(0.5, abs=0.15)  # the two counterparts differ in length
    assert (at("rarefy") or 0) > 0.95


def test_windows_of_trees() -> None:
    """Subtrees count that begin in the window; they are whole ones."""
    trees = [metrics.Tree("abcd", [-1, 0, 0, 0]), metrics.Tree("abxy", [-1, 0, 0, 0])]
    forest = metrics.Forest(trees)
    assert metrics.pair_subtree(forest, height=1) == 6 / 8
    assert metrics.pair_subtree(forest.between([(0, 0.5), (0, 0.5)]), height=1) == 2 / 4
    assert metrics.pair_subtree(forest.between([(0.5, 1), (0.5, 1)]), height=1) == 1
    assert metrics.pair_subtree(forest.between([(0, 1), (0, 1)]), height=2) == 1


def test_programs_at_equal_lengths() -> None:
    """A program that does the same thing more often is as varied in its structure."""
    line = "x = f(x, 1)\n"
    domain: dict[str, Any] = {"domain": "code"}
    one, many = [line * 3, line * 4], [line * 12, line * 16]
    raw = measure(many, "pair_subtree(height=2)", **domain).value
    before = measure(one, "pair_subtree(height=2)", **domain).value
    found = measure(
        many, "pair_subtree(height=2)", length_control="windows", reference=one, **domain
    )
    assert raw is not None
    assert before is not None
    assert found.value is not None
    assert raw < before / 2
    assert found.value == pytest.approx(before, rel=0.3)


WRONG = {
    "no reference": ("distinct", None, "windows are as long as those of a reference"),
    "a metric of whole texts": ("compression_ratio", ["a b", "c d"], "has no form in windows"),
    "across prompts": ("across(distinct)", ["a b", "c d"], "has no form in windows"),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_arguments(case: str) -> None:
    """What windows cannot do is refused in a sentence."""
    metric, reference, said = WRONG[case]
    with pytest.raises(ConfigError, match=said):
        measure(["a b c", "d e f"], metric, length_control="windows", reference=reference)


def test_a_cut_corpus_is_as_one_of_the_cut_texts() -> None:
    """Its tokens keep the numbers that they have in the whole."""
    texts = [["a", "b", "c", "d", "e", "a"], ["b", "c", "a", "b"], [], ["x"]]
    spans = [(1, 6), (0, 3), (0, 0), (1, 1)]
    cut = metrics.Corpus(texts).sections().between(spans)
    alone = metrics.Corpus([text[a:b] for text, (a, b) in zip(texts, spans, strict=True)])
    assert [list(text) for text in cut] == [list(text) for text in alone]
    assert list(cut.lengths) == list(alone.lengths) == [5, 3, 0, 0]
    for n in (1, 2, 3):
        ours, theirs = cut.bags(n), alone.bags(n)
        assert ours.items == theirs.items
        assert sorted(zip(ours.bag, ours.count, strict=True)) == sorted(
            zip(theirs.bag, theirs.count, strict=True)
        )
    assert metrics.pair_distinct(cut, n=2) == metrics.pair_distinct(alone, n=2)
