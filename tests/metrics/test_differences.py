"""Where other packages err and we differ on purpose: section 7 of the specification."""

from __future__ import annotations

import subprocess
import sys
import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from pytest_diversity import measure
from pytest_diversity import metrics as m
from pytest_diversity.metrics import definitions

T = [
    text.split()
    for text in ("the cat sat on the mat", "the cat sat on the rug", "a dog ran in the park")
]
HEAVY = ("torch", "spacy", "sentence_transformers", "transformers", "nltk", "textblob")


def test_texts_are_compressed_once() -> None:
    """`diversity` gzips what it has gzipped; ours is the ratio of one compression."""
    texts = ["the cat sat on the mat"] * 200
    data = "\n".join(texts).encode()
    assert m.compression_ratio(texts) == len(data) / len(zlib.compress(data, 9))


def test_disjoint_texts_are_not_homogeneous() -> None:
    """`diversity` gives 1.0 to texts that have no word in common; ours gives 0."""
    assert m.homogenization([["a", "b"], ["c", "d"], ["e"]]) == 0


def test_self_repetition_depends_on_n() -> None:
    """`diversity` 0.2.2 ignored n; the values are those of 0.3.1, which does not."""
    values = [m.self_repetition(T, n=n) for n in (1, 2, 3, 4, 5)]
    assert values == pytest.approx([1.560710, 1.072959, 0.924196, 0.732408, 0.462098], abs=1e-6)


@pytest.mark.parametrize("name", ["distinct", "pair_distinct", "jaccard", "self_repetition"])
def test_ngrams_stay_within_a_text(name: str) -> None:
    """`diversity` counts n-grams that start in one text and end in the next."""
    compute = definitions()[name].function
    assert compute([["a"], ["b"], ["c"]], n=2) is None
    assert compute([["a", "b"], ["c", "d"]], n=2) is not None


def test_importing_metrics_imports_no_model() -> None:
    """`import diversity` needs spaCy and openai, undeclared; ours needs numpy and SciPy."""
    program = f"import sys, pytest_diversity.metrics; print(set(sys.modules) & {set(HEAVY)})"
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603 - ours
    assert done.stdout.strip() == "set()"


def test_measuring_writes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`emb-diversity` keeps distances in the current folder."""
    monkeypatch.chdir(tmp_path)
    m.embedding_distance(np.eye(3))
    assert list(tmp_path.iterdir()) == []


def test_vendi_of_embeddings_depends_on_q() -> None:
    """`vendi-score`'s score_X ignores q."""
    embeddings = [[1, 0], [1, 0], [0, 1]]
    assert m.vendi(embeddings, q=1) == pytest.approx(1.889882, abs=1e-6)
    assert m.vendi(embeddings, q=2) == pytest.approx(1.8)


def test_vendi_of_the_identity_is_its_size() -> None:
    """`vendi-score`'s sparse identity of 20 scores 2.46."""
    assert m.vendi_of_kernel(np.eye(20)) == pytest.approx(20)


def test_distinct_classes_are_all_counted() -> None:
    """NoveltyBench stores one class too few."""
    assert m.hill([0, 0, 1, 2, 0], q=0) == pytest.approx(3)
    assert m.effective_distinct([0, 0, 1, 2, 0], [True] * 5) == 3 / 5


class Colours:
    """An embedder for which only the animal matters."""

    def __call__(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return np.array([["dog" in text, "cat" in text] for text in texts], dtype=np.float32)


def test_short_answers_take_no_shortcut() -> None:
    """NoveltyBench compares answers of five words or fewer letter by letter; ours by meaning."""
    texts = ["red dog", "blue dog", "a green dog", "old cat"]
    estimate = measure(texts, "hill(q=0)", embed=Colours(), given={"valid": [True] * 4})
    assert estimate.value == pytest.approx(2)


def test_pairs_are_drawn_without_replacement() -> None:
    """The experiment of 2504.12522 also pairs samples with themselves, which gives .759259."""
    assert m.pair_distinct(T) == pytest.approx(0.888889, abs=1e-6)
    with_self = (6 * 0.888889 + 3 * 0.5) / 9  # three of nine ordered pairs are of equal texts
    assert with_self == pytest.approx(0.759259, abs=1e-6)


def test_embedding_distance_leaves_out_self_pairs() -> None:
    """With self-pairs, as in `diversity`'s remote_clique, the fixture would give .355556."""
    assert m.embedding_distance(np.array([[1, 0], [0.6, 0.8], [0, 1]])) == pytest.approx(
        0.533333, abs=1e-6
    )


def test_empty_texts_take_no_part() -> None:
    """NLTK scores an empty text 0, the most diverse value; here it changes nothing."""
    assert m.self_bleu([*T, []]) == m.self_bleu(T)
    assert m.homogenization([*T, []]) == m.homogenization(T)


def test_classes_do_not_depend_on_the_order() -> None:
    """NoveltyBench's greedy classes change with the order of the samples; components do not."""
    chain = np.abs(np.subtract.outer([0, 1, 2], [0, 1, 2])) / 10
    for order in ([0, 1, 2], [1, 0, 2], [2, 0, 1]):
        assert len(set(m.connected_classes(chain[np.ix_(order, order)], 0.15))) == 1


@pytest.mark.parametrize("name", ["distinct", "hdd", "pair_distinct", "jaccard", "self_repetition"])
def test_short_texts_are_undefined(name: str) -> None:
    """Others, named on the page, give 0 to texts that are too short to say anything."""
    assert definitions()[name].function([["a"]]) is None
    assert definitions()[name].function([]) is None
