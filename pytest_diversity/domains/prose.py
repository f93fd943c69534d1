"""What the kind `prose` knows: words, embeddings as meaning, judges of quality."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from pytest_diversity import metrics
from pytest_diversity.domains import meaning, surprise
from pytest_diversity.domains.bar import by_prompt, judged
from pytest_diversity.domains.common import COMMON
from pytest_diversity.features import Features, Kind
from pytest_diversity.features.tokens import words

__all__ = ["PROSE"]


def _tokens(features: Features) -> Mapping[str, metrics.Corpus]:
    return {
        name: metrics.Corpus(list(map(words, texts))) for name, texts in features["texts"].items()
    }


def _tags(features: Features) -> Mapping[str, metrics.Corpus]:
    from pytest_diversity.features.parts_of_speech import parts_of_speech  # noqa: PLC0415 - rarely asked

    tokens = features["tokens"]
    return {
        name: metrics.Corpus(list(map(parts_of_speech, texts))) for name, texts in tokens.items()
    }


def _valid(features: Features) -> Mapping[str, list[bool]]:
    return by_prompt(features, judged(features).valid)


def _scores(features: Features) -> Mapping[str, list[float | None]]:
    return by_prompt(features, judged(features).scores)


def _embeddings(features: Features) -> Mapping[str, NDArray[np.float32]]:
    """All prompts in one call, so that the model sees full batches."""
    groups = features.samples
    vectors = features.embed([sample.text for sample in groups.samples])
    ends = np.cumsum([len(group) for group in groups.values()])
    return dict(zip(groups, np.split(vectors, ends[:-1]), strict=True))


def _prompt_embeddings(features: Features) -> Mapping[str, NDArray[np.float32]]:
    """Of each sample its prompt's."""
    names = list(features.samples)
    vectors = features.embed([features.prompt(name).prompt for name in names])
    counts = [len(features.samples[name]) for name in names]
    rows = (np.tile(vector, (count, 1)) for vector, count in zip(vectors, counts, strict=True))
    return dict(zip(names, rows, strict=True))


def _distances(features: Features) -> Mapping[str, NDArray[np.float64]]:
    return {name: metrics.cosine_distances(rows) for name, rows in features["embeddings"].items()}


PROSE = Kind(
    name="prose",
    features={
        **COMMON,
        "tokens": _tokens,
        "tags": _tags,
        "valid": _valid,
        "scores": _scores,
        "embeddings": _embeddings,
        "prompt_embeddings": _prompt_embeddings,
        "distances": _distances,
        "labels": meaning.labels,
        surprise.SURPRISES: surprise.surprises,
    },
    metrics={
        "lexical": "pair_distinct(n=4)",
        "syntactic": "pair_pos_distinct(n=4)",
        "semantic": "embedding_distance()",
        "effective": "effective_pairs()",
        "quality": "validity()",
    },
    chosen=meaning.chosen,
    equivalences=meaning.equivalences,
    packages=lambda _: ("icu4py", "textblob"),
    relations=frozenset({"distances", "labels", surprise.SURPRISES}),
    # what comes after other answers to its own prompt
    within=frozenset({surprise.SURPRISES}),
    embedded=meaning.EMBEDDED | {"distances", "labels"},
    judged=frozenset({"valid", "scores"}),
    bar="well_formed",
    rough="adequate",
)
