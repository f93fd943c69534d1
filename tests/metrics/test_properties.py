"""Laws that hold for all inputs: order, copies, extremes, bounds."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from pytest_diversity import metrics as m
from pytest_diversity.metrics.kernels import _by_torch, _gram_eigenvalues

unhurried = settings(max_examples=60, deadline=None)  # machines are shared
Texts = list[list[str]]
Labelled = tuple[list[int], list[bool]]

LEXICAL: dict[str, Callable[[Texts], float | None]] = {
    "distinct": lambda texts: m.distinct(texts, n=2),
    "ead": lambda texts: m.ead(texts, n=1, vocab=50),
    "hdd": lambda texts: m.hdd(texts, sample=5),
    "homogenization": m.homogenization,
    "jaccard": lambda texts: m.jaccard(texts, n=2),
    "pair_distinct": lambda texts: m.pair_distinct(texts, n=2),
    "rarefied distinct": lambda texts: m.distinct(texts, [5] * len(texts), n=2),
    "rarefied pair_distinct": lambda texts: m.pair_distinct(texts, [5] * len(texts), n=2),
    "self_bleu": lambda texts: m.self_bleu(texts, n=3),
    "self_repetition": lambda texts: m.self_repetition(texts, n=2),
}
UP = {"distinct", "ead", "hdd", "jaccard", "pair_distinct"}
SEMANTIC: dict[str, Callable[[list[int], list[bool]], float | None]] = {
    "chao1": m.chao1,
    "coverage": m.coverage,
    "distinct_at": m.distinct_at,
    "dominance": m.dominance,
    "effective_distinct": m.effective_distinct,
    "effective_distinct_at": lambda labels, valid: m.effective_distinct_at(labels, valid, k=2),
    "effective_pairs": m.effective_pairs,
    "hill 0": lambda labels, valid: m.hill(labels, valid, q=0),
    "hill 1": m.hill,
    "hill inf": lambda labels, valid: m.hill(labels, valid, q=math.inf),
    "pair_semantic": m.pair_semantic,
    "semantic_entropy": m.semantic_entropy,
}
DOWN = {"coverage", "dominance"}


def texts_of_one_length() -> st.SearchStrategy[Texts]:
    """Two to six texts of equally many words, from an alphabet small enough to repeat."""

    def of(length: int) -> st.SearchStrategy[Texts]:
        word = st.sampled_from("abcdef")
        return st.lists(st.lists(word, min_size=length, max_size=length), min_size=2, max_size=6)

    return st.integers(5, 12).flatmap(of)


labelled: st.SearchStrategy[Labelled] = st.lists(
    st.tuples(st.integers(0, 3), st.booleans()), min_size=2, max_size=12
).map(lambda pairs: ([label for label, _ in pairs], [passed for _, passed in pairs]))

rows = st.lists(
    st.lists(st.integers(-3, 3), min_size=4, max_size=4).filter(any), min_size=1, max_size=8
).map(lambda values: np.array(values, dtype=np.float64))
orders = st.sampled_from([0.1, 0.5, 1.0, 1.5, 2.0, 10.0, math.inf])


def diverse(name: str, value: float | None) -> float:
    """The value with its sign such that more is more diverse."""
    assert value is not None
    return value if name.removeprefix("rarefied ") in UP else -value


@pytest.mark.parametrize("name", LEXICAL)
@unhurried
@given(texts=texts_of_one_length(), data=st.data())
def test_order_of_texts(name: str, texts: Texts, data: st.DataObject) -> None:
    """The order of the samples does not matter."""
    shuffled = data.draw(st.permutations(texts))
    assert LEXICAL[name](shuffled) == pytest.approx(LEXICAL[name](texts), abs=1e-9)


@pytest.mark.parametrize("name", LEXICAL)
@unhurried
@given(texts=texts_of_one_length())
def test_extremes_of_texts(name: str, texts: Texts) -> None:
    """Copies of one text are least diverse, texts without a common word most."""
    disjoint = [[f"{i}{word}" for word in text] for i, text in enumerate(texts)]
    copies = [[text] * len(texts) for text in texts]
    least = min(diverse(name, LEXICAL[name](same)) for same in copies)
    own = diverse(name, LEXICAL[name](texts))
    assert least - 1e-9 <= own <= diverse(name, LEXICAL[name](disjoint)) + 1e-9


@pytest.mark.parametrize("name", LEXICAL)
@unhurried
@given(texts=texts_of_one_length())
def test_bounds_of_texts(name: str, texts: Texts) -> None:
    """All but ead and self_repetition, which have no upper bound, lie in [0, 1]."""
    value = LEXICAL[name](texts)
    assert value is not None
    assert 0 <= value <= (math.inf if name in {"ead", "self_repetition"} else 1 + 1e-9)


@unhurried
@given(texts=texts_of_one_length())
def test_names_of_tokens(texts: Texts) -> None:
    """Lexical metrics see which tokens are equal, not what they are."""
    numbered = [[ord(word) for word in text] for text in texts]
    for name, compute in LEXICAL.items():
        assert compute(numbered) == compute(texts), name  # type: ignore[arg-type]


@unhurried
@given(texts=texts_of_one_length(), n=st.integers(1, 4))
def test_drawing_whole_texts(texts: Texts, n: int) -> None:
    """Rarefied to their whole length, texts have the value they have without it."""
    whole = [len(text) for text in texts]
    for compute in (m.distinct, m.pair_distinct):
        assert compute(texts, whole, n=n) == pytest.approx(compute(texts, n=n))


def test_rarefied_trees_by_hand() -> None:
    """Two of the four nodes of one tree, each there in half of the draws, beside another tree."""
    trees = [m.Tree("abcd", [-1, 0, 0, 0]), m.Tree("ab", [-1, 0])]
    assert m.pair_subtree(trees, height=1) == pytest.approx(4 / 6)
    assert m.pair_subtree(trees, [0.5, 1.0], height=1) == pytest.approx((2 + 2 - 1) / 4)
    # a and b are in the second; c and d are there in half of the draws
    assert m.subtree(trees, [0.5, 1.0], height=1) == pytest.approx((2 + 1) / 4)
    assert m.pair_subtree(trees, [0.01, 1.0], height=1) == pytest.approx((1 + 2 - 0.5) / 3)
    for metric in (m.pair_subtree, m.subtree):
        assert metric(trees, [1.0, 1.0], height=1) == metric(trees, height=1)


@unhurried
@given(texts=texts_of_one_length(), drawn=st.integers(2, 12))
def test_rarefied_structure_is_rarefied_as_words_are(texts: Texts, drawn: int) -> None:
    """Parts of speech are tokens like any other."""
    counts = [drawn] * len(texts)
    for n in (1, 2):
        assert m.pair_pos_distinct(texts, counts, n=n) == m.pair_distinct(texts, counts, n=n)
        assert m.pos_distinct(texts, counts, n=n) == m.distinct(texts, counts, n=n)


@unhurried
@given(texts=texts_of_one_length(), drawn=st.integers(2, 12))
def test_rarefaction_is_an_expectation(texts: Texts, drawn: int) -> None:
    """The share of distinct words rises the fewer are drawn, to 1 at one word."""
    fewer = m.distinct(texts[:1], [drawn - 1], n=1)
    more = m.distinct(texts[:1], [drawn], n=1)
    assert fewer is not None
    assert more is not None
    assert more - 1e-9 <= fewer <= 1 + 1e-9
    assert m.distinct(texts[:1], [1], n=1) == pytest.approx(1)


@pytest.mark.parametrize("texts", [[["a"] * 8] * 3, [["a", "b", "c", "d", "e"]] * 4])
def test_identical_texts_are_at_the_bound(texts: Texts) -> None:
    """Identical texts have self-BLEU and ROUGE-L of 1, and no Jaccard distance."""
    assert m.self_bleu(texts) == pytest.approx(1)
    assert m.homogenization(texts) == 1
    assert m.jaccard(texts) == 0


def test_compression_of_extremes() -> None:
    """Copies compress far better than texts of random letters."""
    letters = np.random.default_rng(0).integers(97, 123, size=(20, 500))
    texts = ["".join(map(chr, row)) for row in letters]
    same, different = m.compression_ratio(texts[:1] * 20), m.compression_ratio(texts)
    assert same is not None
    assert different is not None
    assert different < 2
    assert same > 10


@pytest.mark.parametrize("name", SEMANTIC)
@unhurried
@given(samples=labelled, data=st.data())
def test_order_of_samples(name: str, samples: Labelled, data: st.DataObject) -> None:
    """The order of the samples does not matter."""
    shuffled = data.draw(st.permutations(list(zip(*samples, strict=True))))
    labels, valid = [label for label, _ in shuffled], [passed for _, passed in shuffled]
    assert SEMANTIC[name](labels, valid) == pytest.approx(SEMANTIC[name](*samples))


@pytest.mark.parametrize("name", SEMANTIC)
@unhurried
@given(samples=labelled)
def test_extremes_of_meaning(name: str, samples: Labelled) -> None:
    """One meaning is least diverse, as many as samples most."""
    labels, valid = samples
    own = SEMANTIC[name](labels, valid)
    same = SEMANTIC[name]([0] * len(labels), valid)
    different = SEMANTIC[name](list(range(len(labels))), valid)
    if own is None or same is None or different is None:
        assert own is same is different is None
        return
    sign = -1 if name in DOWN else 1
    assert sign * same - 1e-9 <= sign * own <= sign * different + 1e-9


@unhurried
@given(samples=labelled)
def test_laws_of_effective_diversity(samples: Labelled) -> None:
    """Effective diversity is validity and diversity of the valid ones, in one number."""
    labels, valid = samples
    size, passed = len(valid), sum(valid)
    classes = len({label for label, keep in zip(labels, valid, strict=True) if keep})
    assert m.effective_distinct_at(labels, valid, k=1) == pytest.approx(m.validity(valid))
    assert m.effective_distinct_at(labels, valid, k=size) == pytest.approx(classes)
    if passed > 1:
        valid_pairs = passed * (passed - 1) / (size * (size - 1))
        semantic = m.pair_semantic(labels, valid)
        assert semantic is not None
        assert m.effective_pairs(labels, valid) == pytest.approx(valid_pairs * semantic)
        parts = [part for part in m.partition_diversity(labels, valid) if part is not None]
        assert np.mean(parts) == pytest.approx(semantic)
        assert m.distinct_at(labels, valid, k=1) == pytest.approx(1)
        assert m.distinct_at(labels, valid, k=2) == pytest.approx(1 + semantic)


@unhurried
@given(samples=labelled)
def test_distances_of_labels(samples: Labelled) -> None:
    """Distances of 0 and 1 say the same as labels."""
    labels, valid = samples
    distances = np.not_equal.outer(labels, labels).astype(float)
    for compute in (m.effective_pairs, m.pair_semantic):
        assert compute(labels, valid, distances) == pytest.approx(compute(labels, valid))
    assert m.partition_diversity(labels, valid, distances) == pytest.approx(
        m.partition_diversity(labels, valid)
    )


@unhurried
@given(samples=labelled)
def test_laws_of_hill_numbers(samples: Labelled) -> None:
    """They count at q = 0, fall with q, and copies of all samples leave them as they are."""
    labels, valid = samples
    if not any(valid):
        assert m.hill(labels, valid) is None
        return
    values = [m.hill(labels, valid, q=q) or 0 for q in (0, 0.5, 1, 2, 30, math.inf)]
    assert values == sorted(values, reverse=True) or np.ptp(values) < 1e-9
    assert values[2] == pytest.approx(math.exp(m.semantic_entropy(labels, valid) or 0))
    assert values[-1] * (m.dominance(labels, valid) or 0) == pytest.approx(1)
    assert m.hill(labels * 2, valid * 2) == pytest.approx(values[2])


@unhurried
@given(n=st.integers(1, 12), c=st.integers(0, 12), k=st.integers(1, 12))
def test_pass_at_k_is_its_formula(n: int, c: int, k: int) -> None:
    """pass@k is 1 - C(n - c, k) / C(n, k)."""
    c, k = min(c, n), min(k, n)
    expected = 1 - math.comb(n - c, k) / math.comb(n, k)
    assert m.pass_at_k(n, c, k) == pytest.approx(expected, abs=1e-12)
    assert m.pass_at([True] * c + [False] * (n - c), k=k) == pytest.approx(expected, abs=1e-12)


@unhurried
@given(embeddings=rows, q=orders, data=st.data())
def test_laws_of_vendi(embeddings: NDArray[np.float64], q: float, data: st.DataObject) -> None:
    """Between 1 and n; order, copies and lengths of rows do not matter; kernels say the same."""
    value = m.vendi(embeddings, q=q)
    assert value is not None
    size = len(embeddings)
    assert 1 - 1e-9 <= value <= size + 1e-9
    shuffled = embeddings[data.draw(st.permutations(range(size)))]
    scaled = embeddings * np.arange(1, size + 1)[:, None]
    for same in (shuffled, np.repeat(embeddings, 3, axis=0), scaled):
        assert m.vendi(same, q=q) == pytest.approx(value, rel=1e-6)
    unit = embeddings / np.linalg.norm(embeddings, axis=1, keepdims=True)
    assert m.vendi_of_kernel(unit @ unit.T, q=q) == pytest.approx(value, rel=1e-6)


@pytest.mark.parametrize("q", [0.1, 1, 2, math.inf])
@pytest.mark.parametrize("size", [1, 2, 7])
def test_extremes_of_vendi(size: int, q: float) -> None:
    """Identical rows count as 1, orthogonal ones as n, from either Gram matrix."""
    assert m.vendi(np.ones((size, 3)), q=q) == pytest.approx(1)
    assert m.vendi(np.eye(size, 20), q=q) == pytest.approx(size)  # the primal: n < d
    assert m.vendi(np.eye(size), q=q) == pytest.approx(size)
    # n > d: five copies of each of `size` directions
    assert m.vendi(np.repeat(np.eye(size), 5, axis=0), q=q) == pytest.approx(size)


@pytest.mark.slow
@pytest.mark.parametrize("shape", [(7, 20), (20, 7)])
def test_torch_gives_the_same_eigenvalues(shape: tuple[int, int]) -> None:
    """What runs on a GPU where there is one gives on any device what LAPACK gives."""
    torch = pytest.importorskip("torch")
    rows = np.random.default_rng(0).normal(size=shape)
    smaller = rows.T if shape[1] < shape[0] else rows
    theirs = _by_torch(torch, smaller, len(rows), "cpu")
    assert np.sort(theirs) == pytest.approx(np.sort(_gram_eigenvalues(rows)))


def test_vendi_falls_with_q() -> None:
    """A higher order gives rare samples less weight."""
    embeddings = np.random.default_rng(0).normal(size=(30, 8))
    values = [m.vendi(embeddings, q=q) or 0 for q in (0.1, 0.9, 1, 1.1, 2, 9, math.inf)]
    assert values == sorted(values, reverse=True)


@unhurried
@given(embeddings=rows)
def test_embedding_distance_is_the_mean_over_pairs(embeddings: NDArray[np.float64]) -> None:
    """The blocked mean is that of the matrix, over true pairs only."""
    matrix = m.cosine_distances(embeddings)
    above = matrix[np.triu_indices(len(matrix), k=1)]
    expected = above.mean() if len(above) else None
    assert m.embedding_distance(embeddings) == pytest.approx(expected)


@unhurried
@given(data=st.data(), near=st.floats(0, 1))
def test_classes_are_connected_components(data: st.DataObject, near: float) -> None:
    """Samples nearer than the threshold share a class, whatever the order of the samples."""
    points: Sequence[Any] = data.draw(st.lists(st.floats(0, 5), min_size=1, max_size=8))
    order = data.draw(st.permutations(range(len(points))))
    distances = np.abs(np.subtract.outer(points, points))
    classes = m.connected_classes(distances, near)
    shuffled = m.connected_classes(distances[np.ix_(order, order)], near)
    for i, one in enumerate(order):
        for j, other in enumerate(order):
            assert (shuffled[i] == shuffled[j]) == (classes[one] == classes[other])
            assert distances[one, other] >= near or classes[one] == classes[other]


def test_blocks_of_rows_make_one_mean() -> None:
    """More pairs than fit into a block give the same mean as all at once."""
    rng = np.random.default_rng(0)
    embeddings = rng.normal(size=(1_700, 3))
    texts = [[str(word)] for word in rng.integers(0, 40, 1_700)]
    matrix = m.cosine_distances(embeddings)
    expected = matrix.sum() / (1_700 * 1_699)
    assert m.embedding_distance(embeddings) == pytest.approx(expected)
    labels = [text[0] for text in texts]
    assert m.jaccard(texts, n=1) == pytest.approx(m.pair_semantic(labels))
