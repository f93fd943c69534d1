"""Features that every kind of domain has."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from typing import NoReturn

from pytest_diversity.features import Feature, Features, Kind, UndefinedFeatureError
from pytest_diversity.samples import SampleSet

__all__ = ["COMMON", "fault_notes", "of_answers"]


def _texts(features: Features) -> Mapping[str, list[str]]:
    return features.each(lambda text, _: text)


def _formats(features: Features) -> Mapping[str, list[str]]:
    from pytest_diversity.features.formats import response_format  # noqa: PLC0415 - rarely asked

    known = cache(response_format)  # models repeat themselves
    return features.each(lambda text, _: known(text))


def _utilities(_: Features) -> NoReturn:
    raise UndefinedFeatureError(
        "utilities are what a reward model gives each sample, and none is configured",
        fix="give them with measure(..., given={'utilities': {prompt: [...]}})",
    )


def _billions(_: Features) -> NoReturn:
    raise UndefinedFeatureError(
        "samples alone do not say how many parameters their model has",
        fix="give it with measure(..., given={'billions': ...})",
    )


def _other_embeddings(_: Features) -> NoReturn:
    raise UndefinedFeatureError(
        "samples alone do not say what another checkpoint answers",
        fix="give its samples with measure(..., reference=...)",
    )


COMMON: Mapping[str, Feature] = {
    "texts": _texts,
    "formats": _formats,
    "utilities": _utilities,
    "billions": _billions,
    "other_embeddings": _other_embeddings,
}


def of_answers(kind: Kind) -> Kind:
    """`kind`, where only an answer is valid: none that was refused, filtered, malformed, empty."""
    if "valid" not in kind.features:
        return kind
    judged = kind.features["valid"]

    def valid(features: Features) -> Mapping[str, list[bool]]:
        good = judged(features)
        return {
            name: [
                bool(one) and sample.fault is None
                for one, sample in zip(good[name], group, strict=True)
            ]
            for name, group in features.samples.items()
        }

    return replace(kind, features={**kind.features, "valid": valid})


def fault_notes(samples: SampleSet, whose: str = "") -> tuple[str, ...]:
    """How many samples are no answers, and why, where any are.

    Args:
        samples: What was drawn.
        whose: The checkpoint that they are of, if known.
    """
    faults = Counter(sample.fault for sample in samples.samples)
    every = faults.total()
    del faults[None]
    if not faults:
        return ()
    named = ", ".join(f"{count} {fault}" for fault, count in faults.most_common())
    of = f" of {whose}" if whose else ""
    return (
        f"{faults.total()} of {every} samples{of} are no answers ({named}): they count as invalid",
    )
