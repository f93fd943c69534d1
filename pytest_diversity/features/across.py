"""Features among one sample of each prompt: what across-input metrics read."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence, Sized
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from pytest_diversity.features import Features, UndefinedFeatureError
from pytest_diversity.metrics import Metric
from pytest_diversity.samples import SampleSet
from pytest_diversity.statistics import jackknife

if TYPE_CHECKING:  # as in Features
    from pytest_diversity.config.quality import Quality
    from pytest_diversity.judges.protocol import Assessed

__all__ = ["Across", "contributions"]

# `python -m benchmarks.across` measured it.
_MANY = 20
_SAID = "across prompts: one sample of each; the interval is over prompts, by the jackknife"
_FEW = (
    f"with fewer than {_MANY} prompts, the interval of a metric that depends on their number may "
    "be too narrow"
)
Read: TypeAlias = Callable[[Features, Metric], Mapping[str, float]]


def contributions(read: Read, across: Features, metric: Metric) -> dict[str, float]:
    """What each prompt, or each group of many, contributes to the value that all have together.

    Args:
        read: The values of groups of samples.
        across: Those groups.
        metric: What is read.

    Returns:
        Numbers whose mean is the value and whose standard error is the jackknife's; one alone where
        the value is not defined without some of the prompts, and none where it is not at all.
    """
    values = read(across, metric)
    if not values or not isinstance(across, Across):
        return {}
    groups = jackknife.taken_in_turn(list(across.within.samples))
    less = [read(across.without(group), metric) for group in groups]
    if len(groups) < 2 or not all(less):
        return {"all prompts": _mean(values)}
    found = jackknife.contributions(_mean(values), [_mean(one) for one in less])
    return dict(zip(map(_name, groups), found, strict=True))


def _mean(values: Mapping[str, float]) -> float:
    return float(np.mean(list(values.values())))


def _name(prompts: Sequence[str]) -> str:
    first, *others = prompts
    return f"{first} and {len(others)} more" if others else first


class Across(Features):
    """The same features in other groups: `sample 0` has the first sample of every prompt."""

    def __init__(self, within: Features, metric: Metric, left_out: Collection[str] = ()) -> None:
        """Regroup the features of `within`, which stay computed once.

        Args:
            within: The features of each prompt.
            metric: What they are read for.
            left_out: Prompts that do not count.
        """
        kept = [prompt for prompt in within.samples if prompt not in left_out]
        samples = SampleSet(
            replace(sample, prompt=_group(rank), index=index)
            for index, prompt in enumerate(kept)
            for rank, sample in enumerate(within.samples[prompt])
        )
        super().__init__(
            samples,
            within.domain,
            within.kind,
            {},
            within.embed,
            assess=within.assess,
            spread=within.spread,
        )
        self.within = within
        self._kept, self._metric = kept, metric
        self.given, self.lacks = within.given, within.lacks
        self.notes = (
            *within.notes,
            _SAID + (f" (in {jackknife.GROUPS} groups)" if len(kept) > jackknife.GROUPS else ""),
            *([_FEW] if len(kept) < _MANY and not metric.definition.unbiased else []),
        )

    def without(self, prompts: Collection[str]) -> Across:
        """The same among the other prompts."""
        return Across(self.within, self._metric, prompts)

    def __contains__(self, name: str) -> bool:
        """Whether the features that are regrouped have `name`."""
        return name in self.within

    def __getitem__(self, name: str) -> Mapping[str, Any]:
        """The feature `name` of each group.

        Raises:
            UndefinedFeatureError: It cannot be had, or does not compare samples of two prompts.
        """
        if name in self.kind.within:
            raise UndefinedFeatureError(
                f"the {name} of a domain of kind {self.kind.name!r} compare samples of one prompt",
                fix="measure it per input, without across",
            )
        if name not in self._known:
            relation = name in self.kind.relations
            compute = self.kind.features[name] if relation else lambda _: self._regrouped(name)
            self._known[name] = compute(self)
        return self._known[name]

    def assessed(self, quality: Quality) -> Assessed:
        """What a judge makes of every sample, in the order of those that are regrouped.

        Raises:
            DiversityError: The judge cannot be found or fails.
        """
        return self.within.assessed(quality)

    def _regrouped(self, name: str) -> Mapping[str, Any]:
        by_prompt = self.within[name]
        if not all(isinstance(values, Sized) for values in by_prompt.values()):
            return dict.fromkeys(self.samples, next(iter(by_prompt.values())))  # the model's own
        groups: dict[str, list[Any]] = {group: [] for group in self.samples}
        for prompt in self._kept:
            for rank, value in enumerate(by_prompt[prompt]):
                groups[_group(rank)].append(value)
        first = next(iter(by_prompt.values()))
        return {group: _like(first, values) for group, values in groups.items()}


def _like(original: Any, values: list[Any]) -> Any:
    """`values` in the container that the values of one prompt are in."""
    if isinstance(original, np.ndarray):
        return np.stack(values)
    return type(original)(values)


def _group(rank: int) -> str:
    return f"sample {rank}"
