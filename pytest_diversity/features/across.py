"""Features among one sample of each prompt: what across-input metrics read."""

from __future__ import annotations

from collections.abc import Mapping, Sized
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from pytest_diversity.features import Features, UndefinedFeatureError
from pytest_diversity.samples import SampleSet

if TYPE_CHECKING:  # as in Features
    from pytest_diversity.config.quality import Quality
    from pytest_diversity.judges.protocol import Assessed

__all__ = ["Across"]


class Across(Features):
    """The same features in other groups: `sample 0` has the first sample of every prompt."""

    def __init__(self, within: Features) -> None:
        """Regroup the features of `within`, which stay computed once."""
        samples = SampleSet(
            replace(sample, prompt=_group(rank), index=index)
            for index, group in enumerate(within.samples.values())
            for rank, sample in enumerate(group)
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
        self._within = within
        self.given = within.given
        self.notes = (
            *within.notes,
            "across prompts: one sample of each; the interval is over samples, at these prompts",
        )

    def __contains__(self, name: str) -> bool:
        """Whether the features that are regrouped have `name`."""
        return name in self._within

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
        return self._within.assessed(quality)

    def _regrouped(self, name: str) -> Mapping[str, Any]:
        by_prompt = self._within[name]
        if not all(isinstance(values, Sized) for values in by_prompt.values()):
            return dict.fromkeys(self.samples, next(iter(by_prompt.values())))  # the model's own
        groups: dict[str, list[Any]] = {group: [] for group in self.samples}
        for prompt in self._within.samples:
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
