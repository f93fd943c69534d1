"""What became of each family of a checkpoint since the base: the gate's own comparisons."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal, TypeAlias

from example_project.study.project import PROJECT, REFERENCE, STORE
from pytest_diversity import Comparison, Estimate
from pytest_diversity.config.budget import Budget
from pytest_diversity.config.options import Options
from pytest_diversity.config.values import Config
from pytest_diversity.domains.defaults import metric_of
from pytest_diversity.estimate import estimate
from pytest_diversity.families import FAMILIES
from pytest_diversity.features import Features
from pytest_diversity.gate.bounds import Gate
from pytest_diversity.metrics import parse
from pytest_diversity.session import Session
from pytest_diversity.statistics.mean import Mean

Direction: TypeAlias = Literal["falls", "rises", "unresolved", "undefined"]


@dataclass(frozen=True, slots=True)
class Change:
    """A mean over prompts of paired differences, after - before, with its 95 % interval.

    Attributes:
        per_prompt: The difference of each prompt that is defined on both sides.
        before: The mean of the reference over the same prompts; None where there are none.
    """

    per_prompt: Mapping[str, float]
    before: float | None

    @classmethod
    def of(cls, comparison: Comparison) -> Change:
        """That of a comparison, at the lengths that it is at."""
        return cls.between(comparison.before, comparison.after)

    @classmethod
    def between(cls, before: Estimate, after: Estimate) -> Change:
        """From one estimate to another, prompt by prompt."""
        old, new = before.per_prompt, after.per_prompt
        both = [prompt for prompt in old if prompt in new]
        level = Mean.of([old[prompt] for prompt in both]).value if both else None
        return cls({prompt: float(new[prompt] - old[prompt]) for prompt in both}, level)

    @property
    def mean(self) -> Mean | None:
        """None where no prompt is defined on both sides."""
        return Mean.of([*self.per_prompt.values()]) if self.per_prompt else None

    @property
    def interval(self) -> tuple[float, float] | None:
        """None with fewer than two prompts."""
        return self.mean.interval() if self.mean else None

    @property
    def direction(self) -> Direction:
        """What the interval says: `unresolved` where it holds zero."""
        if self.interval is None:
            return "undefined"
        low, high = self.interval
        return "falls" if high < 0 else "rises" if low > 0 else "unresolved"


class Changes:
    """Checkpoints of one configuration, each compared with the reference as a gate does."""

    def __init__(self, config: Config, store: Path = STORE) -> None:
        """Read and measure nothing yet."""
        self.config = config
        self._session = Session(config, Options(store=store, dtype="float32"), PROJECT)
        self.comparison = cache(self._comparison)

    def features(self, checkpoint: str, domain: str) -> Features:
        """What a checkpoint's samples in a domain are measured by."""
        return self._session.workspace.features(checkpoint, domain)

    def _comparison(
        self, checkpoint: str, domain: str, what: str, reference: str = REFERENCE
    ) -> Comparison:
        """A family, or a metric, of a checkpoint and of a reference.

        At equal token counts where these matter; what they are as written stands beside it.
        """
        measured = self.estimate(checkpoint, domain, what)
        family = measured.metric.definition.family
        gate = Gate(checkpoint, domain, family, Budget(reference=reference))
        against = self._session.judge.against(gate, self.features(reference, domain))
        return against(self.features(checkpoint, domain), measured)

    def estimate(self, checkpoint: str, domain: str, what: str) -> Estimate:
        """A metric, or a family by the metric of its budget, or else by its default."""
        features = self.features(checkpoint, domain)
        budget = features.domain.budgets.get(what, Budget())
        chosen = features.domain, what, budget.metric
        return estimate(features, metric_of(*chosen) if what in FAMILIES else parse(what))

    def change(self, checkpoint: str, domain: str, what: str) -> Change:
        """At equal token counts, where longer texts would be less varied."""
        return Change.of(self.comparison(checkpoint, domain, what))

    def raw(self, checkpoint: str, domain: str, what: str) -> Change:
        """As the texts are written."""
        found = self.comparison(checkpoint, domain, what)
        return Change.of(found.as_written or found)

    def close(self) -> None:
        """Close the store."""
        self._session.close()


def together(changes: Sequence[Change]) -> Change:
    """One mean over the prompts of several domains, as if they were one: the mistake."""
    return Change(
        {
            f"{number} {prompt}": value
            for number, one in enumerate(changes)
            for prompt, value in one.per_prompt.items()
        },
        None,
    )


def merged(changes: Sequence[Change]) -> Change:
    """Of each prompt the mean over several families, as if they were one: likewise a mistake."""
    by_prompt: dict[str, list[float]] = {}
    for one in changes:
        for prompt, value in one.per_prompt.items():
            by_prompt.setdefault(prompt, []).append(value)
    return Change({prompt: Mean.of(values).value for prompt, values in by_prompt.items()}, None)
