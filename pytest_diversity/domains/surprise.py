"""How surprising the answers to a prompt are to a base model, alone and after one another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import chain
from typing import TYPE_CHECKING

from pytest_diversity.config.quality import Surprise
from pytest_diversity.config.values import Domain
from pytest_diversity.features import Features, UndefinedFeatureError

if TYPE_CHECKING:  # asked where surprise is measured
    from pytest_diversity.judges.protocol import Assessed, Texts

__all__ = ["SURPRISES", "asked", "model_of", "surprises"]

SURPRISES = "surprises"  # the feature
_MOST = 8  # answers that are read one after another: more of them fit few contexts


def asked(domain: Domain) -> Surprise | None:
    """The base model that a domain names."""
    return None if domain.surprise is None else Surprise(f"surprise:{domain.surprise}")


def model_of(features: Features) -> str:
    """Name, version and digest of what surprise is measured by."""
    return _ask(features, ()).judge.key


def surprises(features: Features) -> Mapping[str, list[tuple[float, float]] | None]:
    """Of each of a prompt's first answers bits per byte, alone and as the last after the others.

    The order goes round, so that each of them is the last once. None where one is empty, or they do
    not fit the model's context together.

    Raises:
        UndefinedFeatureError: The domain names no base model, or it is so for every prompt.
        DiversityError: The model cannot be found or read.
    """
    texts = {name: found[:_MOST] for name, found in features["texts"].items()}
    prompts = {name: features.prompt(name).prompt for name in texts}
    items = {name: _items(prompts[name], found) for name, found in texts.items()}
    scores = iter(_ask(features, [*chain.from_iterable(items.values())]).scores)
    found = {name: _pairs([next(scores) for _ in own]) for name, own in items.items()}
    said = _said(features, texts, found)
    if said and all(one is None for one in found.values()):
        raise UndefinedFeatureError(said, fix="take a model with a longer context, or draw anew")
    if said:
        features.said[SURPRISES] = said
    return found


def _items(prompt: str, texts: Sequence[str]) -> list[Texts]:
    """Each text alone, and then after all others."""
    if "" in texts:
        return []
    turns = [(*texts[i + 1 :], *texts[: i + 1]) for i in range(len(texts))]
    return [(prompt, text) for text in texts] + [(prompt, *turn) for turn in turns]


def _pairs(scores: Sequence[float | None]) -> list[tuple[float, float]] | None:
    known = [one for one in scores if one is not None]
    if not known or len(known) < len(scores):
        return None
    half = len(known) // 2
    return list(zip(known[:half], known[half:], strict=True))


def _said(
    features: Features, texts: Mapping[str, Sequence[str]], found: Mapping[str, object]
) -> str:
    """What must be said beside values that rest on surprise."""
    empty = sum("" in of_prompt for of_prompt in texts.values())
    long = sum(one is None for one in found.values()) - empty
    source = features.domain.surprise
    notes = []
    if any(len(group) > _MOST for group in features.samples.values()):
        notes.append(f"surprise is of the first {_MOST} samples of a prompt")
    if empty:
        notes.append(f"an empty answer has no surprise: {_undefined(empty, found)}")
    if long:
        notes.append(f"answers do not fit the context of {source}: {_undefined(long, found)}")
    return "; ".join(notes)


def _undefined(count: int, found: Mapping[str, object]) -> str:
    return f"{count} of {len(found)} prompts are undefined"


def _ask(features: Features, items: Sequence[Texts]) -> Assessed:
    model = asked(features.domain)
    if model is None or features.assess is None:
        raise UndefinedFeatureError(
            f"no base model reads the samples of {features.domain.name!r}",
            fix='name one with surprise = "SOURCE"',
        )
    return features.assess(model, items)
