"""Self-BLEU without a loop over pairs."""

from __future__ import annotations

import numpy as np

from pytest_diversity.metrics._grams import Bags, Corpus, Ints, Tokens
from pytest_diversity.metrics._limits import AtLeast
from pytest_diversity.metrics._pairs import Floats
from pytest_diversity.metrics.registry import metric

__all__ = ["self_bleu"]

_EPSILON = 0.1  # of NLTK's smoothing method 1, in place of a match count of 0


@metric(family="lexical", better="down", highest=1, fewest=2, n=AtLeast(1))
def self_bleu(tokens: Tokens, *, n: int = 4) -> float | None:
    """Mean BLEU of each text with all others as references; in [0, 1], lower is more diverse.

    NLTK's `sentence_bleu` with uniform weights and smoothing method 1, in time linear in the
    tokens: an n-gram's largest count among the *other* texts is its largest or second largest count
    among all. Grows with K. Empty texts take no part; None if fewer than two are left.

    Args:
        tokens: K texts, each a sequence of hashable tokens.
        n: Longest n-grams, in tokens; 1 to n are weighed alike.

    Raises:
        ConfigError: n < 1, or a text is a string.

    Source: Zhu et al. 1802.01886; smoothing: Chen and Cherry 2014.
    """
    corpus = Corpus.of(tokens)
    if not corpus.lengths.all():
        corpus = Corpus([text for text in corpus if len(text)])
    return float(_scores(corpus, n).mean()) if len(corpus) > 1 else None


def _scores(corpus: Corpus, n: int) -> Floats:
    """The BLEU of each text; shape (K,)."""
    lengths = corpus.lengths
    logs = np.zeros(len(corpus))
    for order in range(1, n + 1):
        matches = _matches(corpus.bags(order))
        if order == 1:
            none = matches == 0
        smoothed = np.where(matches > 0, matches, _EPSILON)
        logs += np.log(smoothed / np.maximum(lengths - order + 1, 1))
    brevity = np.minimum(0.0, 1 - _closest(lengths) / lengths)
    scores: Floats = np.where(none, 0.0, np.exp(brevity + logs / n))
    return scores


def _matches(bags: Bags) -> Floats:
    """Of each text how many of its n-grams the others have, each as often as one of them does."""
    if not bags.items:
        return np.zeros(bags.size)
    firsts = bags.firsts
    largest = np.maximum.reduceat(bags.count, firsts)[bags.item]
    holders = np.flatnonzero(bags.count == largest)
    holders = holders[np.diff(bags.item[holders], prepend=-1) > 0]  # one text for each n-gram
    rest = bags.count.copy()
    rest[holders] = 0
    reference = largest
    reference[holders] = np.maximum.reduceat(rest, firsts)
    return bags.sums(np.minimum(bags.count, reference))


def _closest(lengths: Ints) -> Ints:
    """Of each text the length among the others that is closest to its own; the shorter of two."""
    known, place, times = np.unique(lengths, return_inverse=True, return_counts=True)
    far = 4 * int(known[-1])  # further than any
    below = np.concatenate([[-far], known[:-1]])
    above = np.concatenate([known[1:], [far]])
    nearest = np.where(known - below <= above - known, below, above)
    closest: Ints = np.where(times > 1, known, nearest)[place]
    return closest
