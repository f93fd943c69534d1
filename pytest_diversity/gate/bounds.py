"""What a budget asks of a checkpoint."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TypeAlias

from pytest_diversity.config.budget import BOUNDS, Budget
from pytest_diversity.errors import ConfigError
from pytest_diversity.metrics import Metric

__all__ = ["ALPHA", "CONFIDENCE", "Gate", "Key", "check_reachable"]

CONFIDENCE = 0.95
ALPHA = 1 - CONFIDENCE
Key: TypeAlias = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class Gate:
    """A budget that one checkpoint must keep with one family of one domain.

    Attributes:
        checkpoint: Its name; empty for samples at hand.
        domain: The domain's name.
        family: The family.
        budget: As it was written.
        label: What samples at hand are called, if anything.
    """

    checkpoint: str
    domain: str
    family: str
    budget: Budget
    label: str = ""

    @property
    def key(self) -> Key:
        """What names it within a configuration: checkpoint, domain, family."""
        return self.checkpoint, self.domain, self.family

    @property
    def applicable(self) -> Budget:
        """What of the budget concerns the checkpoint: the reference itself has no change to judge.

        A test that cannot fail would say otherwise that nothing had changed.
        """
        if self.checkpoint and self.budget.reference == self.checkpoint:
            return self.without_changes().budget
        return self.budget

    @property
    def sampled(self) -> list[str]:
        """Of which checkpoints it needs samples: its own, and the one that it is compared with."""
        budget = self.applicable
        return [self.checkpoint, *([str(budget.reference)] if budget.compares else [])]

    @property
    def bounds(self) -> list[object]:
        """The bounds that concern the checkpoint."""
        budget = self.applicable
        return [bound for name in BOUNDS if (bound := getattr(budget, name)) is not None]

    def without_changes(self) -> Gate:
        """The gate on the level alone."""
        return replace(self, budget=self.budget.without_changes())

    def __str__(self) -> str:
        """For tables."""
        return f"{self.domain} {self.family} [{self.checkpoint}]"


def check_reachable(budget: Budget, metric: Metric) -> None:
    """Refuse bounds that every value keeps or breaks, as 40 for 0.40.

    Raises:
        ConfigError: A bound lies beyond the largest value there is, or below the least, which is 0.
    """
    highest = metric.definition.highest
    if budget.parts and metric.definition.quality is None:
        raise ConfigError(
            f"{min(budget.parts)} needs a metric whose changes can be split, and {metric} is none",
            fix="use effective_pairs(), of the family effective",
        )
    bounds = [("min", budget.min), ("max", budget.max), ("worst_group_min", budget.worst_group_min)]
    bounds += [(name, one.amount) for name, one in budget.changes.items() if not one.relative]
    for name, bound in bounds:
        if bound is not None and bound < 0:
            raise ConfigError(
                f"{name} {bound:g} is out of range: {metric} is at least 0", fix="raise it"
            )
        if bound is not None and bound > highest:
            raise ConfigError(
                f"{name} {bound:g} is out of range: {metric} is at most {highest:g}",
                fix="write a share as 0.4",
            )
