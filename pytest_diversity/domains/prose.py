"""What the kind `prose` knows: words, embeddings as meaning, well-formedness."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pytest_diversity.features import Features, Kind
from pytest_diversity.features.quality import WELL_FORMED_NOTE, well_formed
from pytest_diversity.features.tokens import words
from pytest_diversity.metrics import cosine_distances

__all__ = ["PROSE"]


def _tokens(features: Features) -> Mapping[str, Any]:
    return features.each(lambda text, _: words(text))


def _valid(features: Features) -> Mapping[str, list[bool]]:
    return {
        name: [
            well_formed(sample.text, tokens)
            for sample, tokens in zip(group, features["tokens"][name], strict=True)
        ]
        for name, group in features.samples.items()
    }


def _embeddings(features: Features) -> Mapping[str, NDArray[np.float32]]:
    """All prompts in one call, so that the model sees full batches."""
    groups = features.samples
    vectors = features.embed([sample.text for sample in groups.samples])
    ends = np.cumsum([len(group) for group in groups.values()])
    return dict(zip(groups, np.split(vectors, ends[:-1]), strict=True))


def _distances(features: Features) -> Mapping[str, NDArray[np.float64]]:
    return {name: cosine_distances(rows) for name, rows in features["embeddings"].items()}


def _labels(features: Features) -> Mapping[str, list[str]]:
    return features.each(lambda text, _: text)


PROSE = Kind(
    name="prose",
    features={
        "tokens": _tokens,
        "valid": _valid,
        "embeddings": _embeddings,
        "distances": _distances,
        "labels": _labels,
    },
    metrics={
        "lexical": "pair_distinct(n=4)",
        "semantic": "embedding_distance()",
        "effective": "effective_pairs()",
        "quality": "validity()",
    },
    notes={"quality": WELL_FORMED_NOTE, "effective": WELL_FORMED_NOTE},
)
