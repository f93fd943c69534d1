"""Diversity of sentence structure, as sequences of parts of speech."""

from __future__ import annotations

from collections.abc import Sequence

from pytest_diversity.metrics._limits import AtLeast
from pytest_diversity.metrics.compression import compressed_share
from pytest_diversity.metrics.distinctness import distinct, pair_distinct
from pytest_diversity.metrics.registry import metric

__all__ = ["pair_pos_distinct", "pos_compression", "pos_distinct"]

Tags = Sequence[Sequence[str]]


@metric(family="syntactic", better="up", highest=1, n=AtLeast(1))
def pos_distinct(
    tags: Tags, drawn_tokens: Sequence[int] | None = None, *, n: int = 4
) -> float | None:
    """Distinct over all n-grams of parts of speech of the K texts together; in (0, 1], up.

    As `distinct`: falls with length and with K. Never compare across taggers. None without n-grams.

    Args:
        tags: K texts, each as the parts of speech of its words.
        drawn_tokens: For each text how many tokens to rarefy it to, as in `pair_distinct`.
        n: Length of the n-grams, in words.

    Raises:
        ConfigError: n < 1, or a text is a string.

    Source: Shaib et al. 2407.00211; in the form of Shypula et al. 2504.12522.
    """
    return distinct(tags, drawn_tokens, n=n)


@metric(family="syntactic", better="up", highest=1, unbiased=True, fewest=2, n=AtLeast(1))
def pair_pos_distinct(
    tags: Tags, drawn_tokens: Sequence[int] | None = None, *, n: int = 4
) -> float | None:
    """Mean share of distinct n-grams of parts of speech over all pairs; in (0, 1], up.

    As `pair_distinct`: unbiased in K. None if fewer than two texts have n words.

    Args:
        tags: K texts, each as the parts of speech of its words.
        drawn_tokens: For each text how many tokens to rarefy it to, as in `pair_distinct`.
        n: Length of the n-grams, in words.

    Raises:
        ConfigError: n < 1, or a text is a string.

    Source: Shypula et al. 2504.12522, on parts of speech.
    """
    return pair_distinct(tags, drawn_tokens, n=n)


@metric(family="syntactic", better="down")
def pos_compression(tags: Tags) -> float | None:
    """How well the parts of speech of the K texts compress; above 0, lower is more diverse.

    Bytes over compressed bytes, as `compression_ratio`, of one line of tags for each text. Depends
    on the tagger and the compressor; grows with length and K. None without any word.

    Args:
        tags: K texts, each as the parts of speech of its words.

    Source: CR-POS, Shaib et al. 2403.00553.
    """
    return compressed_share([" ".join(text) for text in tags]) if any(tags) else None
