"""The values of the specification, computed independently of this project, to 1e-6."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest

from pytest_diversity import metrics as m

T = [
    text.split()
    for text in ("the cat sat on the mat", "the cat sat on the rug", "a dog ran in the park")
]
# ESD8: eight samples, six of them valid, in classes of 3, 2 and 1
S = list("aa-bc-ab")
V = [1, 1, 0, 1, 1, 0, 1, 1]
K3: list[list[float]] = [[1, 0.9, 0], [0.9, 1, 0], [0, 0, 1]]
E3: list[list[float]] = [[1, 0], [0.6, 0.8], [0, 1]]
X3: list[list[float]] = [[1, 0], [1, 0], [0, 1]]
I3: list[list[float]] = [[1, 0, 0], [0, 1, 0], [0, 0, 1]]
NOVEL = ([0, 0, 1, 2, 0], [7, 9, 5, 8, 10])

LEXICAL: dict[str, tuple[Callable[[], float | None], float]] = {
    "pair_distinct of 4-grams over true pairs": (lambda: m.pair_distinct(T), 0.888889),
    "distinct 1": (lambda: m.distinct(T, n=1), 0.611111),
    "distinct 2": (lambda: m.distinct(T, n=2), 0.733333),
    "distinct 3": (lambda: m.distinct(T, n=3), 0.75),
    "distinct 4": (lambda: m.distinct(T, n=4), 0.777778),
    "distinct 5": (lambda: m.distinct(T, n=5), 0.833333),
    "ead 1 of 20 words": (lambda: m.ead(T, n=1, vocab=20), 0.912430),
    "ead 2 of 20 words exceeds 1": (lambda: m.ead(T, n=2, vocab=20), 1.024764),
    "ead 3 of 20 words": (lambda: m.ead(T, n=3, vocab=20), 0.979027),
    "ead 4 of 20 words": (lambda: m.ead(T, n=4, vocab=20), 0.946584),
    "ead 5 of 20 words": (lambda: m.ead(T, n=5, vocab=20), 0.943723),
    "ead 1 of GPT-2's vocabulary": (lambda: m.ead(T, n=1), 0.611214),
    "ead 2 of GPT-2's vocabulary": (lambda: m.ead(T, n=2), 0.733435),
    "ead 3 of GPT-2's vocabulary": (lambda: m.ead(T, n=3), 0.750082),
    "ead 4 of GPT-2's vocabulary": (lambda: m.ead(T, n=4), 0.777840),
    "ead 5 of GPT-2's vocabulary": (lambda: m.ead(T, n=5), 0.833375),
    "self_bleu 2": (lambda: m.self_bleu(T, n=2), 0.563576),
    "self_bleu 3": (lambda: m.self_bleu(T, n=3), 0.543693),
    "self_bleu 4": (lambda: m.self_bleu(T, n=4), 0.520165),
    "self_repetition": (lambda: m.self_repetition(T), 0.732408),
    "jaccard": (lambda: m.jaccard(T), 0.833333),
    "homogenization": (lambda: m.homogenization(T), 0.388889),
    "homogenization of two close texts": (lambda: m.homogenization(T[:2]), 0.833333),
    "homogenization of two far texts": (lambda: m.homogenization(T[1:]), 0.166667),
    "hdd at 5 tokens": (lambda: m.hdd(T, sample=5), 4.264823 / 5),
    "hdd at 10 tokens": (lambda: m.hdd(T, sample=10), 0.733333),
    "hdd at all 18 tokens": (lambda: m.hdd(T, sample=18), 11 / 18),
}
SEMANTIC: dict[str, tuple[Callable[[], float | None], float]] = {
    "validity": (lambda: m.validity(V), 0.75),
    "valid_pairs": (lambda: m.valid_pairs(V), 15 / 28),
    "pair_semantic": (lambda: m.pair_semantic(S, V), 0.733333),
    "effective_pairs": (lambda: m.effective_pairs(S, V), 0.392857),
    "effective_distinct": (lambda: m.effective_distinct(S, V), 0.375),
    "effective_distinct_at 1": (lambda: m.effective_distinct_at(S, V, k=1), 0.75),
    "effective_distinct_at 2": (lambda: m.effective_distinct_at(S, V, k=2), 1.357143),
    "effective_distinct_at 4": (lambda: m.effective_distinct_at(S, V, k=4), 2.214286),
    "effective_distinct_at 8": (lambda: m.effective_distinct_at(S, V, k=8), 3.0),
    "distinct_at 2": (lambda: m.distinct_at(S, V, k=2), 1.733333),
    "distinct_at 3": (lambda: m.distinct_at(S, V, k=3), 2.25),
    "distinct_at 6": (lambda: m.distinct_at(S, V, k=6), 3.0),
    "pass@1 of 2 in 5": (lambda: m.pass_at([1, 1, 0, 0, 0], k=1), 0.4),
    "pass@2 of 2 in 5": (lambda: m.pass_at_k(5, 2, 2), 0.7),
    "pass@3 of 2 in 5": (lambda: m.pass_at_k(5, 2, 3), 0.9),
    "pass@5 of 3 in 10": (lambda: m.pass_at_k(10, 3, 5), 0.916667),
    "hill 0": (lambda: m.hill(S, V, q=0), 3.0),
    "hill 1": (lambda: m.hill(S, V, q=1), 2.749459),
    "hill 2": (lambda: m.hill(S, V, q=2), 2.571429),
    "hill inf": (lambda: m.hill(S, V, q=math.inf), 2.0),
    "semantic_entropy": (lambda: m.semantic_entropy(S, V), 1.011404),
    "semantic_entropy of ids": (lambda: m.semantic_entropy([0, 1, 2, 1]), 1.039721),
    "semantic_entropy after Miller and Madow": (
        lambda: m.semantic_entropy(S, V, correction="miller-madow"),
        1.178071,
    ),
    "coverage": (lambda: m.coverage(S, V), 0.833333),
    "Chao1": (lambda: m.chao1(S, V), 3.416667),
    "Chao1, bias-corrected": (lambda: m.chao1(S, V, correction="bias-corrected"), 3.0),
    "novelty_utility": (lambda: m.novelty_utility(*NOVEL), 4.252737),
    "dominance": (lambda: m.dominance(S, V), 0.5),
    "parameter_efficiency": (lambda: m.parameter_efficiency(S, V, 8), 0.046875),
    "embedding_distance": (lambda: m.embedding_distance(E3), 0.533333),
    "vendi 0.1 of a kernel": (lambda: m.vendi_of_kernel(K3, q=0.1), 2.845537),
    "vendi 0.5 of a kernel": (lambda: m.vendi_of_kernel(K3, q=0.5), 2.420348),
    "vendi 1 of a kernel": (lambda: m.vendi_of_kernel(K3, q=1), 2.157300),
    "vendi 2 of a kernel": (lambda: m.vendi_of_kernel(K3, q=2), 1.948052),
    "vendi inf of a kernel": (lambda: m.vendi_of_kernel(K3, q=math.inf), 1.578947),
    "vendi 1 of embeddings": (lambda: m.vendi(X3), 1.889882),
    "vendi 2 of embeddings": (lambda: m.vendi(X3, q=2), 1.8),
    "conditional_vendi, one prompt": (lambda: m.conditional_vendi(X3, [[1, 0]] * 3), 1.889882),
    "conditional_vendi, unlike prompts": (lambda: m.conditional_vendi(X3, I3), 1.0),
    "conditional_vendi, two answers to each of two prompts": (
        lambda: m.conditional_vendi([[1, 0], [0, 1]] * 2, [[1, 0], [1, 0], [0, 1], [0, 1]]),
        2.0,
    ),
    "conditional_surprise": (lambda: m.conditional_surprise([[1.0, 0.5], [2.0, 1.0]]), 0.265165),
    "conditional_surprise of copies": (lambda: m.conditional_surprise([[1.5, 0.0]] * 3), 0.0),
    "conditional_surprise of noise": (lambda: m.conditional_surprise([[9.0, 9.0]] * 3), 0.017578),
    "separation of opposites": (lambda: m.separation([[1, 0]] * 2, [[0, 1]] * 2), 1.0),
    "separation of neighbours": (lambda: m.separation(E3[:2], [[0, 1]] * 2), 0.4),
    "separation of a sample from itself": (lambda: m.separation(E3, E3), -0.177778),
}
CASES = LEXICAL | SEMANTIC


@pytest.mark.parametrize("name", CASES)
def test_golden(name: str) -> None:
    """The metric gives the value of the specification."""
    compute, expected = CASES[name]
    assert compute() == pytest.approx(expected, abs=1e-6)


def test_partition_diversity_of_each_sample() -> None:
    """Each valid sample has the share of the other five that differ; invalid ones have none."""
    expected = [0.6, 0.6, None, 0.8, 1.0, None, 0.6, 0.8]
    assert m.partition_diversity(S, V) == pytest.approx(expected)


def test_pair_semantic_without_one_sample() -> None:
    """The leave-one-out values from which the specification's jackknife is made."""
    valid = [label for label, passed in zip(S, V, strict=True) if passed]
    left_out = [m.pair_semantic(valid[:i] + valid[i + 1 :]) for i in range(6)]
    assert sorted(map(float, filter(None, left_out))) == pytest.approx(
        [0.6, 0.7, 0.7, 0.8, 0.8, 0.8]
    )


@pytest.mark.parametrize(
    ("k", "expected"), [(2, 0.95), (4, 0.8598), (8, 0.7119), (16, 0.5092), (32, 0.3018)]
)
def test_distinct_meanings_fall_with_k(k: int, expected: float) -> None:
    """Of a uniform source of 10 classes the distinct share falls with K, the pairs do not."""
    source = [label for label in range(10) for _ in range(10_000)]
    found = m.effective_distinct_at(source, [True] * len(source), k=k)
    assert found is not None
    assert found / k == pytest.approx(expected, abs=1e-4)
    assert m.effective_pairs(source, [True] * len(source)) == pytest.approx(0.9, abs=1e-4)


def test_macro_differs_from_pooled() -> None:
    """Two prompts of one meaning each have no diversity per input, though they differ."""
    assert [m.pair_semantic([label] * 4) for label in "ab"] == [0, 0]
    assert m.pair_semantic(list("aaaabbbb")) == pytest.approx(0.571429, abs=1e-6)
