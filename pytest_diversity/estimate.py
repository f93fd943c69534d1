"""From samples to an estimate: features -> metric (one number per prompt) -> mean over prompts.

Not called `measure.py`: once imported, a submodule hides the package's lazy attribute of its name.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from pytest_diversity.config import BUILTIN_DOMAINS, Domain
from pytest_diversity.domains import KINDS, load_prompts
from pytest_diversity.domains.prompt import Prompt
from pytest_diversity.errors import ConfigError, did_you_mean
from pytest_diversity.features import Embed, Features, UndefinedFeatureError
from pytest_diversity.features.embeddings import shared_embedder
from pytest_diversity.metrics import Metric, parse
from pytest_diversity.samples import SampleSet
from pytest_diversity.stats import Mean

__all__ = ["Estimate", "estimate", "features_of", "measure"]


@dataclass(frozen=True, slots=True)
class Estimate:
    """A metric of one domain, over prompts.

    Attributes:
        metric: Its canonical name.
        domain: The domain's name.
        value: Mean over the prompts where it is defined; None where it is defined nowhere.
        low: Lower end of the two-sided 95 % interval over prompts; None with fewer than two.
        high: Upper end, likewise.
        per_prompt: The value of each prompt where it is defined.
        defined: Share of prompts where it is defined.
        samples_per_prompt: Smallest and largest number of samples of a prompt.
        mean_tokens: Mean length of the samples in the domain's tokens; None where it has none.
        reason: Why it is undefined, if it is.
        notes: What must be said beside the value.
    """

    metric: Metric
    domain: str
    value: float | None
    low: float | None
    high: float | None
    per_prompt: Mapping[str, float] = field(repr=False)
    defined: float
    samples_per_prompt: tuple[int, int]
    mean_tokens: float | None = None
    reason: str | None = None
    notes: tuple[str, ...] = ()


def measure(
    samples: SampleSet | Mapping[str, Sequence[str]] | Sequence[str],
    metric: str | Metric,
    *,
    domain: str | Domain = "prose",
    embed: Embed | None = None,
) -> Estimate:
    """Measure `metric` on `samples`.

    Args:
        samples: Texts by prompt, the texts of one prompt, or a SampleSet.
        metric: A metric's name such as `pair_distinct(n=4)`.
        domain: `code`, `creative_writing`, `prose`, or a Domain of your own.
        embed: What embeds texts; all-MiniLM-L6-v2 if None.

    Returns:
        The estimate over prompts; its value is None, with a reason, where nothing is defined.

    Raises:
        ConfigError: The metric or the domain is unknown, or there are no samples.
        DataError: `samples` is not of a readable form.
    """
    return estimate(features_of(SampleSet.of(samples), _domain(domain), embed), parse(metric))


def features_of(
    samples: SampleSet,
    domain: Domain,
    embed: Embed | None = None,
    prompts: Mapping[str, Prompt] | None = None,
) -> Features:
    """The lazily computed features of `samples` in `domain`.

    Raises:
        ConfigError: There are no samples.
    """
    if not len(samples):
        raise ConfigError(
            f"domain {domain.name!r} has no samples to measure", fix="draw some first"
        )
    if prompts is None:
        prompts = load_prompts(domain.prompts, domain.root) if domain.prompts else {}
    if embed is None:
        embed = _late_embedder(domain)
    return Features(samples, domain, KINDS[domain.kind], prompts, embed)


def estimate(features: Features, metric: Metric) -> Estimate:
    """The estimate of `metric` from features; undefined ones carry the reason."""
    counts = [len(group) for group in features.samples.values()]
    try:
        values, reason = _values(features, metric), None
    except UndefinedFeatureError as error:
        values, reason = {}, str(error)
    if not values and reason is None:
        reason = f"{metric} is undefined for every prompt: too few samples, or too short"
    mean = Mean.of(list(values.values())) if values else None
    low, high = (mean.interval() if mean else None) or (None, None)
    note = features.kind.notes.get(metric.definition.family)
    return Estimate(
        metric=metric,
        domain=features.domain.name,
        value=mean.value if mean else None,
        low=low,
        high=high,
        per_prompt=values,
        defined=len(values) / len(counts),
        samples_per_prompt=(min(counts), max(counts)),
        mean_tokens=_mean_tokens(features),
        reason=reason,
        notes=(note,) if note else (),
    )


def _late_embedder(domain: Domain) -> Embed:
    """Look for the embedder only when a text is to be embedded: most metrics need none."""

    def embed(texts: Sequence[str]) -> NDArray[np.float32]:
        return shared_embedder(domain.embedder, domain.root)(texts)

    return embed


def _values(features: Features, metric: Metric) -> dict[str, float]:
    """The metric of each prompt where it is defined."""
    definition = metric.definition
    needed = {name: features[name] for name in definition.features}
    needed |= {name: features[name] for name in definition.optional if name in features}
    values = {}
    for prompt in features.samples:
        value = metric(**{name: by_prompt[prompt] for name, by_prompt in needed.items()})
        if value is not None:
            values[prompt] = value
    return values


def _mean_tokens(features: Features) -> float | None:
    if "tokens" not in features:
        return None
    return float(np.mean([len(text) for group in features["tokens"].values() for text in group]))


def _domain(domain: str | Domain) -> Domain:
    if isinstance(domain, Domain):
        return domain
    if domain not in BUILTIN_DOMAINS:
        raise ConfigError(f"unknown domain {domain!r}", fix=did_you_mean(domain, BUILTIN_DOMAINS))
    return BUILTIN_DOMAINS[domain]
