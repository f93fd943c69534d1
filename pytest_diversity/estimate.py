"""From samples to an estimate: features -> metric (one number per prompt) -> mean over prompts.

Not called `measure.py`: once imported, a submodule hides the package's lazy attribute of its name.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias

import numpy as np

from pytest_diversity.cluster import in_process
from pytest_diversity.config.quality import Quality
from pytest_diversity.config.values import Domain
from pytest_diversity.domains.bar import judged, not_asked, rests_on_judge, same_bar
from pytest_diversity.domains.build import features_of
from pytest_diversity.domains.defaults import domain_of
from pytest_diversity.features import Embed, Features, UndefinedFeatureError
from pytest_diversity.features.endings import Endings
from pytest_diversity.frames import Columns, Tabular
from pytest_diversity.metrics import Better, Metric, parse
from pytest_diversity.samples import SampleSet
from pytest_diversity.statistics.mean import Mean

if TYPE_CHECKING:
    from pytest_diversity.statistics.split import Part

__all__ = ["Comparison", "Estimate", "Samples", "estimate", "measure"]

_PAIRS = 50_000_000  # of samples of one prompt: comparing them takes 2 to 15 seconds
_PIECE = 64  # prompts
Samples: TypeAlias = SampleSet | Mapping[str, Sequence[str]] | Sequence[str]


@dataclass(frozen=True, slots=True)
class Estimate(Tabular):
    """A metric of one domain, over prompts.

    Attributes:
        metric: Its canonical name.
        domain: The domain's name.
        value: Mean over the prompts where it is defined; None where it is defined nowhere.
        low: Lower end of the two-sided 95 % interval over prompts; None with fewer than two.
        high: Upper end, likewise.
        per_prompt: The value of each prompt where it is defined; across prompts, what each prompt,
            or each group of many, contributes to the one value that they have together.
        defined: Share of prompts where it is defined.
        samples_per_prompt: Smallest and largest number of samples of a prompt.
        mean_tokens: Mean length of the samples in the domain's tokens; None where it has none.
        reason: Why it is undefined, if it is.
        notes: What must be said beside the value.
        groups: The value of each group of prompts, the mean over its prompts.
        group_of: The group of each prompt that has one and a value.
        worst_group: The group that does worst in the metric's direction, with its value.
        endings: How the samples ended; None of recorded values.
        quality: Of each prompt the factor of quality in its value; empty where there is none.
        bar: Judge, version and threshold of what was valid; None where validity rests on no judge.
    """

    columns: ClassVar[Columns] = {
        "domain": str,
        "family": str,
        "metric": str,
        "prompt": str,
        "group": str,
        "value": float,
        "quality": float,
    }

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
    groups: Mapping[str, float] = field(default_factory=dict, repr=False)
    group_of: Mapping[str, str] = field(default_factory=dict, repr=False)
    worst_group: tuple[str, float] | None = None
    endings: Endings | None = None
    quality: Mapping[str, float] = field(default_factory=dict, repr=False)
    bar: str | None = None

    def rows(self) -> list[dict[str, Any]]:
        """A row for each prompt where it is defined; `quality` is the factor in its value."""
        of = {"domain": self.domain, "family": self.metric.definition.family}
        of |= {"metric": str(self.metric)}
        group, quality = self.group_of.get, self.quality.get
        return [
            {**of, "prompt": p, "group": group(p), "value": float(value), "quality": quality(p)}
            for p, value in self.per_prompt.items()
        ]


@dataclass(frozen=True, slots=True)
class Comparison(Tabular):
    """Both sides of a paired comparison, each prompt with as many samples as on the other side.

    Attributes:
        name: Of the reference, as a message says it.
        before: The reference.
        after: What is compared with it.
        notes: What must be said beside the comparison.
        bar: What decided which answers of both are valid, and why; empty where a domain says it.
        lengths: What was done about lengths, where they matter.
        as_written: The same without control of lengths, where both sides are at equal ones.
    """

    columns: ClassVar[Columns] = {
        "domain": str,
        "family": str,
        "metric": str,
        "prompt": str,
        "group": str,
        "reference": str,
        "before": float,
        "after": float,
        "change": float,
        "quality_loss": float,
        "narrowing": float,
    }

    name: str
    before: Estimate
    after: Estimate
    notes: tuple[str, ...] = ()
    bar: str = ""
    lengths: str = ""
    as_written: Comparison | None = None

    def rows(self) -> list[dict[str, Any]]:
        """A row for each prompt that is defined on both sides; `change` is after - before.

        Of a metric that is a product with a quality, `quality_loss` and `narrowing` are its parts.
        """
        after, parts = self.after.per_prompt, self.parts
        rows = []
        for row in self.before.rows():
            if (p := row["prompt"]) in after:
                before, now = row["value"], float(after[p])
                row |= {"reference": self.name, "before": before, "after": now}
                lost, narrowed = parts.get(p, (None, None))
                row |= {"change": now - before, "quality_loss": lost, "narrowing": narrowed}
                rows.append({name: row[name] for name in self.columns})
        return rows

    @property
    def parts(self) -> Mapping[str, tuple[float, float]]:
        """Of each prompt what it lost by quality, and what by narrowing among valid answers.

        Empty where the metric is no product with a quality, or none was recorded.
        """
        old, new = self.before, self.after
        common = [p for p in old.quality if p in new.quality]
        if not common:
            return {}
        from pytest_diversity.statistics.split import split  # noqa: PLC0415 - few metrics have parts

        return {
            p: split((old.per_prompt[p], old.quality[p]), (new.per_prompt[p], new.quality[p]))
            for p in common
        }

    @property
    def split(self) -> Mapping[str, Part]:
        """The mean loss by `quality` and by `narrowing`, its summands; empty as `parts` is."""
        if not self.parts:
            return {}
        from pytest_diversity.statistics.split import Part  # noqa: PLC0415 - as above

        quality, narrowing = zip(*self.parts.values(), strict=True)
        return {"quality": Part.of(quality), "narrowing": Part.of(narrowing)}


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
    known, other = SampleSet.of(samples), None
    if reference is not None:
        known, matched = known.matched(SampleSet.of(reference))
        other = features_of(matched, chosen, embed)
    if other is not None and "other_embeddings" in wanted.definition.features:
        given = {"other_embeddings": other["embeddings"], **(given or {})}
    features = features_of(known, chosen, embed, given=given)
    if other is not None:
        features = same_bar(wanted, other, features, ("the reference", "these"))[1]
    if length_control is not None:
        from pytest_diversity.features.windows import controlled  # noqa: PLC0415 - rarely asked

        features = controlled(features, wanted, length_control, other)
    return estimate(features, replace(wanted, across=across or wanted.across))


def estimate(features: Features, metric: Metric) -> Estimate:
    """The estimate of `metric` from features; undefined ones carry the reason.

    Raises:
        ConfigError: The features are rarefied and the metric cannot be.
    """
    if "drawn_tokens" in features:
        from pytest_diversity.features.rarefied import check_rarefied  # noqa: PLC0415 - rarely asked

        check_rarefied(features, metric)
    counts, read = [len(group) for group in features.samples.values()], _values
    if metric.across:
        from pytest_diversity.features import across  # noqa: PLC0415 - rarely asked

        features, read = across.Across(features, metric), partial(across.contributions, _values)
    values, reason = _defined(features, metric, read, max(counts))
    mean = Mean.of([*values.values()], bounded=metric.definition.highest == 1) if values else None
    low, high = (mean.interval() if mean else None) or (None, None)
    factor = metric.definition.quality
    quality = _values(features, parse(factor)) if factor and values and not metric.across else {}
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
        quality={prompt: quality[prompt] for prompt in values if prompt in quality},
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
    reads = (*metric.definition.features, *metric.definition.optional)
    yield from dict.fromkeys(features.said[name] for name in reads if name in features.said)


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


def _values(features: Features, metric: Metric) -> dict[str, float]:
    """The metric of each prompt where it is defined, computed once."""
    if metric not in features.values:
        features.values[metric] = _read(features, metric)
    return features.values[metric]


def _read(features: Features, metric: Metric) -> dict[str, float]:
    if features.parts:
        found = [_values(part, metric) for part in features.parts]
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


def _mean_tokens(features: Features) -> float | None:
    if "tokens" not in features:
        return None
    lengths = [len(text) for group in features["tokens"].values() for text in group]
    return sum(lengths) / len(lengths)
