"""Lexical richness at a fixed number of tokens."""

from __future__ import annotations

from collections import Counter
from itertools import chain

import numpy as np

from pytest_diversity.metrics._grams import Corpus, Tokens
from pytest_diversity.metrics._limits import AtLeast
from pytest_diversity.metrics._rarefaction import log_missing
from pytest_diversity.metrics.registry import metric

__all__ = ["hdd"]


@metric(family="lexical", better="up", highest=1, sample=AtLeast(1))
def hdd(tokens: Tokens, *, sample: int = 42) -> float | None:
    """HD-D: the share of different tokens expected in a draw of `sample`; in (0, 1], up.

    The K texts are pooled, and `sample` tokens drawn without replacement: exact hypergeometric
    rarefaction, so that the number of tokens there are does not matter. None if there are fewer.

    Args:
        tokens: K texts, each a sequence of hashable tokens.
        sample: How many tokens are drawn.

    Raises:
        ConfigError: sample < 1, or a text is a string.

    Source: McCarthy and Jarvis 2007; Hurlbert 1971.
    """
    counts = Counter(chain.from_iterable(Corpus.of(tokens).texts))
    total = counts.total()
    if total < sample:
        return None
    alike = Counter(counts.values())  # classes of one size have one probability
    sizes = np.fromiter(alike, dtype=np.int64)
    classes = np.fromiter(alike.values(), dtype=np.int64)
    found = -np.expm1(log_missing(total, sizes, sample))
    return float(found @ classes) / sample
