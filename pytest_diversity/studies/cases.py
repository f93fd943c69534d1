"""What every study goes through: the budgets of all checkpoints with their samples; and tables."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pytest_diversity.domains.defaults import metric_of
from pytest_diversity.errors import ConfigError, DataError
from pytest_diversity.estimate import Estimate, estimate
from pytest_diversity.features import Features
from pytest_diversity.files import check_writable, read_text, write_text
from pytest_diversity.gate.bounds import ALPHA, Gate
from pytest_diversity.metrics import Metric
from pytest_diversity.samples import Sample, SampleSet
from pytest_diversity.session import Session

__all__ = ["Case", "GateName", "cases", "check_json", "halves", "write_json"]

_ANOTHER = "name another file"


@dataclass(frozen=True, slots=True)
class GateName:
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
    """One gate, with what it is judged on.

    Attributes:
        gate: Of a checkpoint under test.
        features: Of the samples.
        measured: The estimate.
        others: How many bounds the checkpoint has beside those of the gate, for Holm.
        alpha: What Holm leaves a bound that is broken alone.
    """

    gate: Gate
    features: Features
    measured: Estimate
    others: int
    alpha: float

    @property
    def name(self) -> GateName:
        """What it is called."""
        gate = self.gate
        return GateName(gate.checkpoint, gate.domain, gate.family, str(self.metric))

    @property
    def metric(self) -> Metric:
        """What is measured."""
        return self.measured.metric


def cases(session: Session, *, idle: bool = False) -> Iterator[Case]:
    """Every gate of every checkpoint under test.

    Args:
        session: Where they are configured.
        idle: Whether those count, too, that ask nothing of the checkpoint, as of the reference.

    Raises:
        ConfigError: There is none.
    """
    gates = [
        gate
        for gate in session.judge.multiplicity.every()
        if gate.budget.level != "off" and (idle or gate.bounds)
    ]
    if not gates:
        raise ConfigError("there is no budget to study", fix="add one to diversity.toml")
    workspace = session.workspace
    for gate in gates:
        features = workspace.features(gate.checkpoint, gate.domain)
        if features.lacks:
            raise DataError(f"domain {gate.domain!r} cannot be studied: {features.lacks}")
        metric = metric_of(features.domain, gate.family, gate.budget.metric)
        others = session.judge.others(gate).count
        alpha = ALPHA / max(1, len(gate.bounds) + others)
        yield Case(gate, features, estimate(features, metric), others, alpha)


def halves(samples: SampleSet) -> tuple[SampleSet, SampleSet]:
    """Two disjoint sets with half of each prompt's samples: two runs of one checkpoint."""
    even: list[Sample] = []
    odd: list[Sample] = []
    for group in samples.values():
        size = len(group) // 2
        even += group[: 2 * size : 2]
        odd += group[1 : 2 * size : 2]
    return SampleSet(even), SampleSet(odd)


def check_json(_: Session, path: str) -> None:
    """Find out before a study whether its file can be written: a new one, or one of a study.

    Raises:
        ConfigError: It cannot, or something else is there, such as the configuration.
    """
    if path == "-":
        return
    check_writable(Path(path), ConfigError, fix=_ANOTHER)
    if Path(path).exists() and not _is_ours(Path(path)):
        raise ConfigError(f"{path} is there and was not written by a study", fix=_ANOTHER)


def _is_ours(path: Path) -> bool:
    try:
        rows = json.loads(read_text(path, ConfigError))
    except (ConfigError, ValueError, RecursionError):
        return False
    return isinstance(rows, list) and all(isinstance(row, dict) and "gate" in row for row in rows)


def write_json(path: str, rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Write what a table shows, with all digits, unless `path` is `-`; a line that says so."""
    if path == "-":
        return []
    write_text(Path(path), json.dumps(rows, indent=1) + "\n", ConfigError, fix=_ANOTHER)
    return [f"written to {path}"]
