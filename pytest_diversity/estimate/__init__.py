"""From samples to an estimate: features -> metric (one number per prompt) -> mean over prompts.

No module is called `measure`: once imported, it would hide the function of its name.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, TypeAlias

import numpy as np

from pytest_diversity.config.quality import Quality
from pytest_diversity.config.values import Domain
from pytest_diversity.domains.bar import judged, not_asked, rests_on_judge, same_bar
from pytest_diversity.domains.build import features_of
from pytest_diversity.domains.defaults import domain_of
from pytest_diversity.estimate.per_prompt import values_of
from pytest_diversity.estimate.result import Comparison, Estimate
from pytest_diversity.features import Embed, Features, UndefinedFeatureError
from pytest_diversity.features.endings import Endings
from pytest_diversity.metrics import Better, Metric, parse
from pytest_diversity.samples import SampleSet
from pytest_diversity.statistics.mean import Mean

__all__ = ["Comparison", "Estimate", "Samples", "estimate", "measure"]

Samples: TypeAlias = SampleSet | Mapping[str, Sequence[str]] | Sequence[str]


def measure(
    samples: Samples,
    metric: str | Metric,
    *,
    domain: str | Domain = "prose",
    embed: Embed | None = None,
    across: bool = False,
    length_control: str | None = None,
    reference: Samples | None = None,
    quality: Quality | str | Mapping[str, Any] | None = None,
    given: Mapping[str, Any] | None = None,
) -> Estimate:
    """Measure `metric` on `samples`.

    Args:
        samples: Texts by prompt, the texts of one prompt, or a SampleSet.
        metric: A metric's name such as `pair_distinct(n=4)`.
        domain: `code`, `creative_writing`, `prose`, or a Domain of your own.
        embed: What embeds texts; all-MiniLM-L6-v2 if None.
        across: Measure among one sample of each prompt instead of the samples of one prompt; the
            same as the metric's name within `across(...)`.
        length_control: `windows` compares windows of each text with ones as long of `reference`, as
            gates do. `rarefy` is the expectation for n-grams that are drawn at random, rank by
            rank; without one, each text at the shortest of its prompt. `rarefy(50)` is at 50 tokens
            a text. For the lexical and syntactic metrics that have such a form.
        reference: The other side of the comparison that `rarefy` and `separation()` are for.
        quality: Which judge says what an answer is: `adequate`, or a table with its threshold; the
            domain's if None.
        given: Features known already, such as `labels`, `valid`, `utilities` or `billions`: a value
            for each prompt, or one for all.

    Returns:
        The estimate over prompts; its value is None, with a reason, where nothing is defined.

    Raises:
        ConfigError: The metric, the domain or the length control is unknown, there are no samples,
            or a given feature does not fit them.
        DataError: `samples` is not of a readable form.
    """
    chosen, wanted = domain_of(domain), parse(metric)
    if quality is not None:
        chosen = replace(chosen, quality=Quality.parse(quality))
    known = SampleSet.of(samples)
    if reference is None:
        features, other = features_of(known, chosen, embed, given=given), None
    else:
        sides = known.matched(SampleSet.of(reference))
        features, other = _features(sides, chosen, wanted, embed, given)
    if length_control is not None:
        from pytest_diversity.features.windows import controlled  # noqa: PLC0415 - rarely asked

        features = controlled(features, wanted, length_control, other)
    return estimate(features, replace(wanted, across=across or wanted.across))


def _features(
    sides: tuple[SampleSet, SampleSet],
    domain: Domain,
    metric: Metric,
    embed: Embed | None,
    given: Mapping[str, Any] | None,
) -> tuple[Features, Features]:
    """The features of samples and of their reference, both judged by the same bar."""
    samples, reference = sides
    other = features_of(reference, domain, embed)
    if "other_embeddings" in metric.definition.features:
        given = {"other_embeddings": other["embeddings"], **(given or {})}
    features = features_of(samples, domain, embed, given=given)
    return same_bar(metric, other, features, ("the reference", "these"))[1], other


def estimate(features: Features, metric: Metric) -> Estimate:
    """The estimate of `metric` from features; undefined ones carry the reason.

    Raises:
        ConfigError: The features are rarefied and the metric cannot be.
    """
    if "drawn_tokens" in features:
        from pytest_diversity.features.rarefied import check_rarefied  # noqa: PLC0415 - rarely asked

        check_rarefied(features, metric)
    counts, read = [len(group) for group in features.samples.values()], values_of
    if metric.across:
        from pytest_diversity.features import across  # noqa: PLC0415 - rarely asked

        features, read = across.Across(features, metric), partial(across.contributions, values_of)
    values, reason = _defined(features, metric, read, max(counts))
    mean = Mean.of([*values.values()], bounded=metric.definition.highest == 1) if values else None
    low, high = (mean.interval() if mean else None) or (None, None)
    assessed = judged(features) if values and rests_on_judge(features, metric) else None
    group_of = _group_of(features, values)
    groups = _groups(group_of, values)
    return Estimate(
        metric=metric,
        domain=features.domain.name,
        value=mean.value if mean else None,
        low=low,
        high=high,
        per_prompt=values,
        defined=float(bool(values)) if metric.across else len(values) / len(counts),
        samples_per_prompt=(min(counts), max(counts)),
        mean_tokens=_mean_tokens(features),
        reason=reason,
        notes=(
            *filter(None, [features.kind.notes(features).get(metric.definition.family)]),
            *(assessed.notes if assessed else not_asked(features, metric)),
            *_said(features, metric),
            *features.notes,
        ),
        groups=groups,
        group_of=group_of,
        worst_group=_worst(groups, metric.definition.better),
        endings=Endings.of(features.samples),
        quality=_quality(features, metric, values),
        bar=assessed.bar if assessed else None,
    )


def _defined(
    features: Features,
    metric: Metric,
    read: Callable[[Features, Metric], dict[str, float]],
    most: int,
) -> tuple[dict[str, float], str | None]:
    """The values of the prompts where the metric is defined; why not, where it is nowhere."""
    if features.lacks:
        return {}, features.lacks
    try:
        values = read(features, metric)
    except UndefinedFeatureError as error:
        return {}, str(error)
    return values, None if values else _too_few(features, metric, most)


def _too_few(features: Features, metric: Metric, most: int) -> str:
    """Why a metric is defined nowhere; what one sample of each prompt can be measured by."""
    reason = f"{metric} is undefined for every prompt: too few samples, or too short"
    compares = not features.kind.within & {*metric.definition.features}
    if most > 1 or metric.definition.fewest == 1 or metric.across or not compares:
        return reason
    return (
        f"{metric} compares the samples of a prompt, and there is one of each; draw more, or "
        f'measure among the prompts: metric = "{replace(metric, across=True)}"'
    )


def _said(features: Features, metric: Metric) -> Iterator[str]:
    """What must be said of the features that a metric reads, once each."""
    said = (features.said.get(name) for name in metric.definition.reads)
    yield from dict.fromkeys(filter(None, said))


def _quality(features: Features, metric: Metric, values: Mapping[str, float]) -> dict[str, float]:
    """The factor of quality in the value of each prompt."""
    factor = metric.definition.quality
    if not factor or not values or metric.across:
        return {}
    found = values_of(features, parse(factor))
    return {prompt: found[prompt] for prompt in values if prompt in found}


def _group_of(features: Features, values: Mapping[str, float]) -> dict[str, str]:
    prompts = {name: features.prompts.get(name) for name in values}
    return {name: p.group for name, p in prompts.items() if p is not None and p.group is not None}


def _groups(group_of: Mapping[str, str], values: Mapping[str, float]) -> dict[str, float]:
    """The mean over the prompts of each group, where the metric is defined."""
    members: dict[str, list[float]] = {}
    for name, group in group_of.items():
        members.setdefault(group, []).append(values[name])
    return {group: float(np.mean(found)) for group, found in members.items()}


def _worst(groups: Mapping[str, float], better: Better) -> tuple[str, float] | None:
    if not groups:
        return None
    choose = min if better == "up" else max
    return choose(groups.items(), key=lambda item: item[1])


def _mean_tokens(features: Features) -> float | None:
    if "tokens" not in features:
        return None
    lengths = [len(text) for group in features["tokens"].values() for text in group]
    return sum(lengths) / len(lengths)
