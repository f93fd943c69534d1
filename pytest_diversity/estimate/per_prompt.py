"""A metric of each prompt, read from features; where that is much work, on the cluster."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

from pytest_diversity.cluster import in_process
from pytest_diversity.features import Features
from pytest_diversity.metrics import Metric, parse
from pytest_diversity.samples import SampleSet

__all__ = ["values_of"]

_PAIRS = 50_000_000  # of samples of one prompt: comparing them takes 2 to 15 seconds
_PIECE = 64  # prompts


def values_of(features: Features, metric: Metric) -> dict[str, float]:
    """The metric of each prompt where it is defined, computed once."""
    if metric not in features.values:
        features.values[metric] = _read(features, metric)
    return features.values[metric]


def _read(features: Features, metric: Metric) -> dict[str, float]:
    if features.parts:
        found = [values_of(part, metric) for part in features.parts]
        common = [prompt for prompt in found[0] if all(prompt in one for one in found)]
        return {p: float(np.mean([one[p] for one in found])) for p in common}
    definition = metric.definition
    needed = {name: features[name] for name in definition.features}
    needed |= {name: features[name] for name in definition.optional if name in features}
    groups = [
        {name: by_prompt[prompt] for name, by_prompt in needed.items()}
        for prompt in features.samples
    ]
    spread = features.spread if _is_much(features.samples, metric) else in_process
    values = spread(partial(_compute, str(metric)), groups, _PIECE)
    by_prompt = zip(features.samples, values, strict=True)
    return {prompt: value for prompt, value in by_prompt if value is not None}


def _compute(metric: str, groups: Sequence[Mapping[str, Any]]) -> list[float | None]:
    function = parse(metric)
    return [
        None if any(feature is None for feature in group.values()) else function(**group)
        for group in groups
    ]


def _is_much(samples: SampleSet, metric: Metric) -> bool:
    """Whether comparing all pairs takes seconds, of a metric that every process has."""
    ours = metric.definition.function.__module__.startswith("pytest_diversity.")
    return ours and sum(len(group) ** 2 for group in samples.values()) >= _PAIRS
