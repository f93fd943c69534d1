"""The bar of quality: which judge says what an answer is, in a domain and between two models."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from math import sqrt
from typing import TYPE_CHECKING, TypeVar

from pytest_diversity.config.quality import Quality
from pytest_diversity.errors import DiversityError
from pytest_diversity.features import Features, UndefinedFeatureError
from pytest_diversity.metrics import Metric

if TYPE_CHECKING:  # judges are asked where quality is measured
    from pytest_diversity.judges.protocol import Assessed

__all__ = [
    "MARGIN",
    "as_recorded",
    "bar_of",
    "by_prompt",
    "far_apart",
    "fixed",
    "judged",
    "not_asked",
    "rests_on_judge",
    "same_bar",
]

# By how much the rough judge may accept one model's answers more readily than another's that are as
# good: its errors by kind of model were 0 to 12 % (docs/quality.md).
MARGIN = 0.15

Value = TypeVar("Value")


def bar_of(features: Features) -> Quality:
    """The judge that a domain names, or else its kind's own.

    Raises:
        UndefinedFeatureError: There is neither.
    """
    if features.domain.quality is not None:
        return features.domain.quality
    if features.kind.bar is None:
        raise UndefinedFeatureError(
            f"a domain of kind {features.kind.name!r} has no judge of quality",
            fix="name one with quality = ...",
        )
    return Quality(features.kind.bar)


def judged(features: Features) -> Assessed:
    """What the bar makes of every sample."""
    return features.assessed(bar_of(features))


def by_prompt(features: Features, values: Sequence[Value]) -> Mapping[str, list[Value]]:
    """A value for each sample, in the order of the samples, as lists by prompt."""
    left: Iterator[Value] = iter(values)
    return {name: list(islice(left, len(group))) for name, group in features.samples.items()}


def not_asked(features: Features, metric: Metric) -> Sequence[str]:
    """That a judge is named where validity is something else, as what programs do."""
    quality = features.domain.quality
    reads = metric.definition.reads
    if quality is None or "valid" not in reads or "valid" in features.kind.judged:
        return ()
    return (f"{quality.judge} is not asked: a domain of kind {features.kind.name} has no judge",)


def rests_on_judge(features: Features, metric: Metric) -> bool:
    """Whether a value depends on a judge of quality: validity that is given, or run, does not."""
    judged = features.kind.judged.intersection(metric.definition.reads)
    return any(name not in features.given for name in judged)


def fixed(quality: Quality, reference: Features) -> Quality:
    """A judge with the threshold that its percentile of the reference's scores is."""
    return replace(quality, threshold=reference.assessed(quality).threshold, percentile=None)


def as_recorded(quality: Quality, bar: str | None) -> Quality:
    """A judge with the threshold of a bar that was recorded, where it has none of its own."""
    if quality.percentile is None or bar is None:
        return quality
    return replace(quality, threshold=float(bar.rpartition(" ")[2]), percentile=None)


def same_bar(
    metric: Metric, before: Features, after: Features, names: tuple[str, str]
) -> tuple[Features, Features, str]:
    """Both sides of a comparison, judged alike, and what must be said of the bar.

    Where a domain names no judge, it is the kind's own check of form, unless the two sides answer
    their prompts so unequally often that even a rough judge can tell: then it is that one. A form
    is kept by a model that rambles; between two models that both answer, the rough judge's errors
    would be taken for a change.

    Args:
        metric: What is measured.
        before: The reference.
        after: What is compared with it, at the same prompts.
        names: Of both.
    """
    if not rests_on_judge(after, metric):
        return before, after, ""
    quality = after.domain.quality
    if quality is not None:
        if quality.percentile is not None:
            quality = fixed(quality, before)
        return before.judged_by(quality), after.judged_by(quality), ""
    if after.kind.rough is None:
        return before, after, ""
    rough = Quality(after.kind.rough)
    try:
        old, new = _shares(before, rough), _shares(after, rough)
    except DiversityError as error:
        why = f"how often each answers its prompt is not known: {error.message}"
        return before, after, f"valid by {after.kind.bar}: {why}"
    said = f"answers its prompt: {names[0]} {_mean(old):.2f}, {names[1]} {_mean(new):.2f}"
    if not far_apart(old, new):
        near = f"nearer than the rough judge {rough.judge} can tell ({MARGIN:g})"
        return before, after, f"{said}; {near}, so valid by {after.kind.bar}"
    far = f"further apart than the rough judge {rough.judge} errs ({MARGIN:g})"
    return before.judged_by(rough), after.judged_by(rough), f"{said}; {far}, so valid by it"


def _shares(features: Features, quality: Quality) -> list[float]:
    """The share of answers among the samples of each prompt."""
    valid = by_prompt(features, features.assessed(quality).valid)
    return [_mean([*map(float, group)]) for group in valid.values()]


def far_apart(old: Sequence[float], new: Sequence[float]) -> bool:
    """Whether the shares differ by more than `MARGIN`, two standard errors over prompts away."""
    changes = [after - before for before, after in zip(old, new, strict=True)]
    if len(changes) < 2:
        return False
    mean = _mean(changes)
    spread = sum((change - mean) ** 2 for change in changes) / (len(changes) - 1)
    return abs(mean) - 2 * sqrt(spread / len(changes)) > MARGIN


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)
