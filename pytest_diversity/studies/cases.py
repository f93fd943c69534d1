"""What every study goes through: the budgets of all checkpoints with their samples; and tables."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pytest_diversity.config.values import Budget
from pytest_diversity.errors import ConfigError
from pytest_diversity.estimate import Estimate, estimate
from pytest_diversity.features import Features
from pytest_diversity.gate.decide import ALPHA, count_bounds, effective
from pytest_diversity.metrics import Metric
from pytest_diversity.samples import Sample, SampleSet
from pytest_diversity.session import Session

__all__ = ["Case", "Gate", "cases", "columns", "halves", "write_json"]


@dataclass(frozen=True, slots=True)
class Gate:
    """The name of a budget of a checkpoint."""

    checkpoint: str
    domain: str
    family: str
    metric: str

    def __str__(self) -> str:
        """For tables."""
        return f"{self.domain} {self.family} [{self.checkpoint}]"


@dataclass(frozen=True)
class Case:
    """One budget of one checkpoint, with what it is judged on.

    Attributes:
        checkpoint: Under test.
        domain: Its domain.
        family: Its family.
        budget: As far as it concerns the checkpoint.
        features: Of the samples.
        measured: The estimate.
        others: How many bounds the checkpoint has beside those of the budget, for Holm.
        alpha: What Holm leaves a bound that is broken alone.
    """

    checkpoint: str
    domain: str
    family: str
    budget: Budget
    features: Features
    measured: Estimate
    others: int
    alpha: float

    @property
    def gate(self) -> Gate:
        """What it is called."""
        return Gate(self.checkpoint, self.domain, self.family, str(self.metric))

    @property
    def metric(self) -> Metric:
        """What is measured."""
        return self.measured.metric


def cases(session: Session, *, idle: bool = False) -> Iterator[Case]:
    """Every budget of every checkpoint under test.

    Args:
        session: Where they are configured.
        idle: Whether those count, too, that ask nothing of the checkpoint, as of the reference.

    Raises:
        ConfigError: There is none.
    """
    budgets = [(d, f, b) for d in session.config.domains.values() for f, b in d.budgets.items()]
    wanted = [(name, *one) for name in session.config.selected for one in budgets]
    found = [
        (checkpoint, domain, family, budget)
        for checkpoint, domain, family, budget in wanted
        if budget.level != "off" and (idle or count_bounds(budget, checkpoint))
    ]
    if not found:
        raise ConfigError("there is no budget to study", fix="add one to diversity.toml")
    for checkpoint, domain, family, budget in found:
        features = session.features(checkpoint, domain.name)
        metric = session.metric(features.domain, family, budget.metric)
        others = session.judge.others(checkpoint, domain.name, family, budget).count
        yield Case(
            checkpoint,
            domain.name,
            family,
            effective(budget, checkpoint),
            features,
            estimate(features, metric),
            others,
            ALPHA / max(1, count_bounds(budget, checkpoint) + others),
        )


def halves(samples: SampleSet) -> tuple[SampleSet, SampleSet]:
    """Two disjoint sets with half of each prompt's samples: two runs of one checkpoint."""
    even: list[Sample] = []
    odd: list[Sample] = []
    for group in samples.values():
        size = len(group) // 2
        even += group[: 2 * size : 2]
        odd += group[1 : 2 * size : 2]
    return SampleSet(even), SampleSet(odd)


def columns(rows: Sequence[Sequence[str]]) -> list[str]:
    """A table with aligned columns; the first row is its head."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]


def write_json(path: str, rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Write what a table shows, with all digits, unless `path` is `-`; a line that says so."""
    if path == "-":
        return []
    try:
        Path(path).write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
    except OSError as error:
        raise ConfigError(
            f"{path} cannot be written: {error.strerror}", fix="name another file"
        ) from None
    return [f"written to {path}"]
