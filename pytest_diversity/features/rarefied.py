"""Comparing at equal token counts: to how many tokens each text is rarefied."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import numpy as np

from pytest_diversity.errors import ConfigError
from pytest_diversity.features import Features
from pytest_diversity.metrics import Metric, definitions

__all__ = ["Rarefied", "check_rarefied", "rarefied"]

_DRAWN = "drawn_tokens"  # the feature that metrics with a rarefied form read


class Rarefied(Features):
    """The same features, and to how many tokens each text is to be rarefied."""

    def __init__(self, whole: Features, drawn: Mapping[str, list[int]], note: str) -> None:
        """Add `drawn_tokens` to `whole`, whose other features stay computed once."""
        super().__init__(
            whole.samples,
            whole.domain,
            whole.kind,
            whole.prompts,
            whole.embed,
            given={_DRAWN: drawn},
        )
        self.notes = (*whole.notes, note)
        self._whole = whole

    def __contains__(self, name: str) -> bool:
        """Whether there is a feature `name`."""
        return name == _DRAWN or name in self._whole

    def __getitem__(self, name: str) -> Mapping[str, Any]:
        """The feature `name` of each prompt."""
        return self._known[name] if name == _DRAWN else self._whole[name]


def rarefied(features: Features, control: str, reference: Features | None = None) -> Features:
    """`features` for metrics that compare at equal token counts.

    Args:
        features: Those of one side.
        control: `rarefy`, or `rarefy(50)` for 50 tokens a text.
        reference: Those of the other side, with as many samples of the same prompts. Both sides are
            rarefied to the same lengths: the r-th shortest texts of a prompt to the shorter of the
            two. Without it each text is rarefied to the shortest of its prompt.

    Raises:
        ConfigError: `control` is neither, the domain has no tokens, or the sides do not match.
    """
    match = re.fullmatch(r"rarefy(?:\((\d+)\))?", control)
    if match is None or "tokens" not in features or match[1] == "0":
        raise ConfigError(
            f"length control {control!r} cannot be used", fix="write 'rarefy' or 'rarefy(50)'"
        )
    lengths = {name: list(map(len, texts)) for name, texts in features["tokens"].items()}
    if match[1]:
        drawn = {name: [min(int(match[1]), own) for own in ours] for name, ours in lengths.items()}
        why = f"at most {match[1]}"
    elif reference is None:
        drawn = {name: [min(ours)] * len(ours) for name, ours in lengths.items()}
        why = "the shortest of each prompt"
    else:
        drawn = {
            name: _common(ours, list(map(len, reference["tokens"][name])))
            for name, ours in lengths.items()
        }
        why = "as many as on the other side"
    mean = float(np.mean([count for counts in drawn.values() for count in counts]))
    return Rarefied(features, drawn, f"rarefied to {mean:.1f} tokens a text on average: {why}")


def check_rarefied(features: Features, metric: Metric) -> None:
    """Refuse a metric without a rarefied form on rarefied features.

    Raises:
        ConfigError: It has none.
    """
    if _DRAWN in features and _DRAWN not in metric.definition.optional:
        able = [name for name, known in definitions().items() if _DRAWN in known.optional]
        raise ConfigError(
            f"metric {metric} has no rarefied form", fix=f"choose {', '.join(sorted(able))}"
        )


def _common(ours: list[int], theirs: list[int]) -> list[int]:
    """Rank by rank the shorter of the two lengths, in the order of `ours`."""
    if len(ours) != len(theirs):
        raise ConfigError(
            f"{len(ours)} and {len(theirs)} samples cannot be compared at equal token counts",
            fix="give both sides as many samples of each prompt",
        )
    drawn = [0] * len(ours)
    ranks = sorted(range(len(ours)), key=ours.__getitem__)
    for rank, other in zip(ranks, sorted(theirs), strict=True):
        drawn[rank] = min(ours[rank], other)
    return drawn
