"""How much of one text runs through another: longest common subsequences."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from rapidfuzz.distance import LCSseq
from rapidfuzz.process import cdist

from pytest_diversity.metrics._grams import Corpus, Tokens
from pytest_diversity.metrics._pairs import Floats, mean_over_pairs
from pytest_diversity.metrics.registry import metric

__all__ = ["homogenization"]

_ROWS = 64  # enough for all cores, few enough to leave out most pairs (j, i) of i < j
_LONG = 4096  # tokens
_WORTH_THREADS = 5e8  # pairs of tokens; fewer are compared before a thread has started
_CHARACTERS = 0x110000


@metric(family="lexical", better="down", highest=1, unbiased=True, fewest=2)
def homogenization(tokens: Tokens) -> float | None:
    """Mean ROUGE-L F1 over all pairs of texts; in [0, 1], lower is more diverse.

    Twice the longest common subsequence over the sum of the two lengths; 0 for disjoint texts.
    Unbiased in K. Exact, and therefore quadratic: in the number of texts, and for each pair in the
    product of the lengths (bit-parallel, about 0.1 us for texts of 150 tokens, seconds for two
    different texts of a megabyte). Empty texts take no part; None if fewer than two are left.

    Args:
        tokens: K texts, each a sequence of hashable tokens.

    Raises:
        ConfigError: A text is a string.

    Source: ROUGE-L, Lin 2004; as homogenization, Shaib et al. 2403.00553.
    """
    corpus = Corpus.of(tokens)
    lengths = corpus.lengths[corpus.lengths > 0]
    if len(lengths) < 2:
        return None
    texts = _encoded(corpus)
    workers = -1 if int(lengths.sum()) ** 2 > _WORTH_THREADS else 1

    def f1(rows: slice) -> Floats:
        common = cdist(
            texts[rows],
            texts[rows.start + 1 :],
            scorer=LCSseq.similarity,
            dtype=np.int32,
            workers=workers,
        )
        result: Floats = 2.0 * common / (lengths[rows, None] + lengths[rows.start + 1 :])
        return result

    # one by one, no text is compared with itself, which takes seconds for a megabyte
    return mean_over_pairs(len(texts), f1, _ROWS if lengths.max() < _LONG else 1)


def _encoded(corpus: Corpus) -> Sequence[Sequence[object]]:
    """Each text that is not empty as a string of one character a token, which compares fastest."""
    numbers = [text.tolist() for text in corpus.numbers() if len(text)]
    if max(max(text) for text in numbers) < _CHARACTERS:
        return ["".join(map(chr, text)) for text in numbers]
    return numbers
