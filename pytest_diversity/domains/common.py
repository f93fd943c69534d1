"""Features that every kind of domain has."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import NoReturn

from pytest_diversity.features import Feature, Features, UndefinedFeatureError

__all__ = ["COMMON"]


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


COMMON: Mapping[str, Feature] = {
    "texts": _texts,
    "formats": _formats,
    "utilities": _utilities,
    "billions": _billions,
}
