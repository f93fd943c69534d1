"""Which answers in prose mean the same: by a rule, or by a model that is asked about each two."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import permutations
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from pytest_diversity import metrics
from pytest_diversity.config.quality import Alike
from pytest_diversity.config.values import Domain
from pytest_diversity.errors import ConfigError
from pytest_diversity.features import Features, Kind, UndefinedFeatureError
from pytest_diversity.features.tokens import words
from pytest_diversity.judges import equivalence

if TYPE_CHECKING:  # asked where classes are measured
    from pytest_diversity.judges.protocol import Assessed

__all__ = ["EMBEDDED", "asked", "chosen", "equivalences", "labels"]

EMBEDDED = frozenset({"embeddings", "prompt_embeddings", "other_embeddings"})
_WITH_PROMPT = "llm"  # the one that reads it; what others say of two answers holds anywhere


def asked(domain: Domain) -> Alike | None:
    """The model that a domain asks which answers mean the same; None where a rule tells.

    Raises:
        ConfigError: Its equivalence is none, or has a key that nothing reads.
    """
    if domain.equivalence is None:
        return None
    way = Alike.parse(domain.equivalence)
    if way.kind in Alike.MODELS:
        if domain.same_meaning is not None:
            raise ConfigError(
                f"the equivalence {way.judge!r} has no distance that same_meaning = "
                f"{domain.same_meaning:g} could be of",
                fix="remove same_meaning, and give a threshold",
            )
        return way
    if way != Alike(way.judge):
        raise ConfigError(
            f"the equivalence {way.judge!r} takes nothing beside its name",
            fix=f'write equivalence = "{way.judge}"; same_meaning is the distance of those that '
            "have one",
        )
    return None


def labels(features: Features) -> Mapping[str, list[int] | None]:
    """Classes of meaning, as the domain's equivalence makes them; in any order the same.

    None where the model that tells had no answer for two of a prompt's answers.

    Raises:
        UndefinedFeatureError: There is nothing to ask it through, or it is so for every prompt.
    """
    model = asked(features.domain)
    if model is not None:
        return _by_model(features, model)
    same = _rule(features.domain)
    return {
        name: metrics.connected_classes(same.distances(_answers(features, name)), same.near)
        for name in features.samples
    }


def equivalences(features: Features) -> Mapping[str, str]:
    """By feature, all that the classes depend on."""
    model = asked(features.domain)
    if model is not None:
        return dict.fromkeys(("labels", "distances"), _ask(features, model, ()).bar)
    same = _rule(features.domain)
    return dict.fromkeys(("labels",) if same.graded else ("labels", "distances"), str(same))


def chosen(kind: Kind, domain: Domain) -> Kind:
    """Where meanings are not graded they just differ, and need no embeddings."""
    if asked(domain) is None and _rule(domain).graded:
        return kind
    return replace(kind, features={**kind.features, "distances": _different}, embedded=EMBEDDED)


def _rule(domain: Domain) -> equivalence.Equivalence:
    name = None if domain.equivalence is None else Alike.parse(domain.equivalence).judge
    return equivalence.find(name, domain.same_meaning, domain.root)


def _answers(features: Features, name: str) -> equivalence.Answers:
    prompt = _prompt(features, name)
    return equivalence.Answers(
        prompt,
        words(prompt),
        features["texts"][name],
        list(features["tokens"][name]),
        lambda: np.asarray(features["distances"][name]),
    )


def _prompt(features: Features, name: str) -> str:
    """A prompt; none where samples of several are compared."""
    known = features.prompts.get(name)
    return known.prompt if known else ""


def _different(features: Features) -> Mapping[str, NDArray[np.float64] | None]:
    """Distances where meaning is not graded: 0 within a class, 1 between two."""
    return {
        name: None if found is None else np.not_equal.outer(np.array(found), np.array(found)) * 1.0
        for name, found in features["labels"].items()
    }


def _by_model(features: Features, model: Alike) -> Mapping[str, list[int] | None]:
    """Two answers mean the same if the model says so in both orders; equal ones always do."""
    orders = {
        name: [
            (_prompt(features, name) if model.kind == _WITH_PROMPT else "", *both)
            for both in permutations(dict.fromkeys(features["texts"][name]), 2)
        ]
        for name in features.samples
    }
    items = [item for of_prompt in orders.values() for item in of_prompt]
    found = _ask(features, model, items)
    passed = dict(zip(items, found.valid, strict=True))
    unknown = {item for item, score in zip(items, found.scores, strict=True) if score is None}
    known = {
        name: None
        if unknown.intersection(of_prompt)
        else _classes(features["texts"][name], {item[1:] for item in of_prompt if passed[item]})
        for name, of_prompt in orders.items()
    }
    said = _said(found, list(known.values()).count(None), len(known))
    if all(classes is None for classes in known.values()):
        raise UndefinedFeatureError(
            said, fix="look at what the model replies, and correct the rubric"
        )
    if said:
        features.said |= dict.fromkeys(("labels", "distances"), said)
    return known


def _classes(texts: Sequence[str], passed: set[tuple[str, ...]]) -> list[int]:
    apart = [
        [float(one != other and not {(one, other), (other, one)} <= passed) for other in texts]
        for one in texts
    ]
    return metrics.connected_classes(np.array(apart), 0.5)


def _said(found: Assessed, undefined: int, prompts: int) -> str:
    """What must be said beside values that rest on a model's classes."""
    note = [found.judge.note] if found.judge.note else []
    unknown = found.scores.count(None)
    if unknown:
        note.append(
            f"{found.judge.name} had no answer for {unknown} of {len(found.scores)} ordered pairs "
            f"of answers: {undefined} of {prompts} prompts are undefined"
        )
    return "; ".join(note)


def _ask(features: Features, model: Alike, items: Sequence[tuple[str, ...]]) -> Assessed:
    if features.assess is None:
        raise UndefinedFeatureError(
            f"nothing asks {model.judge} here", fix="measure the samples themselves"
        )
    return features.assess(model, items)
