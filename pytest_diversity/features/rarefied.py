"""Comparing at equal token counts: to how many tokens each text is rarefied."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence, Sized

import numpy as np

from pytest_diversity.errors import ConfigError
from pytest_diversity.features import Features, View
from pytest_diversity.metrics import Metric, definitions
from pytest_diversity.metrics.definition import DRAWN

__all__ = ["Rarefied", "check_rarefied", "common_lengths", "rarefied"]


class Rarefied(View):
    """The same features, and to how many tokens each text is to be rarefied."""

    def __init__(self, whole: Features, drawn: Mapping[str, list[int]]) -> None:
        """Add what is drawn to `whole`."""
        shares = _shares(drawn, whole["tokens"])
        super().__init__(whole, dict(zip(DRAWN, (drawn, shares), strict=True)))
        self.mean_length = float(np.mean([count for counts in drawn.values() for count in counts]))


def _shares(
    drawn: Mapping[str, list[int]], tokens: Mapping[str, Sequence[Sized]]
) -> dict[str, list[float]]:
    """Of each text the share of its tokens that is drawn."""
    return {
        name: [
            count / len(text) if len(text) else 1.0
            for count, text in zip(counts, tokens[name], strict=True)
        ]
        for name, counts in drawn.items()
    }


def rarefied(features: Features, control: str, reference: Features | None = None) -> Rarefied:
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
        drawn = common_lengths(features, reference)
        why = "as many as on the other side"
    found = Rarefied(features, drawn)
    found.notes += (f"rarefied to {found.mean_length:.1f} tokens a text on average: {why}",)
    return found


def check_rarefied(features: Features, metric: Metric) -> None:
    """Refuse a metric without a rarefied form on rarefied features.

    Raises:
        ConfigError: It has none.
    """
    if isinstance(features, Rarefied) and not metric.definition.can_be_rarefied:
        able = [name for name, known in definitions().items() if known.can_be_rarefied]
        raise ConfigError(
            f"metric {metric} has no rarefied form", fix=f"choose {', '.join(sorted(able))}"
        )


def common_lengths(features: Features, reference: Features) -> dict[str, list[int]]:
    """Of each text the length that it and its counterpart of the other side have: rank by rank.

    Raises:
        ConfigError: The sides have not as many samples of the same prompts.
    """
    return {
        name: _common(list(map(len, texts)), list(map(len, reference["tokens"][name])))
        for name, texts in features["tokens"].items()
    }


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
