"""What is seen of a model in training at one step: values to log, and verdicts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pytest_diversity.config.values import Checkpoint
from pytest_diversity.domains import kind_of
from pytest_diversity.domains.defaults import metric_of
from pytest_diversity.gate.bounds import Gate
from pytest_diversity.gate.decide import OtherBounds
from pytest_diversity.gate.judge import Judge
from pytest_diversity.report.evidence import evidence

if TYPE_CHECKING:
    from pytest_diversity.samples import SampleSet
    from pytest_diversity.verdict import Verdict
    from pytest_diversity.workspace import Workspace

__all__ = ["Look", "Looks"]


@dataclass(frozen=True, slots=True)
class Look:
    """What was seen.

    Attributes:
        values: By the names that trackers show.
        verdicts: On every budget of the domains.
    """

    values: dict[str, float]
    verdicts: tuple[Verdict, ...]


class Looks:
    """Looks at one checkpoint after another of a training.

    Attributes:
        count: How many there will be, among which the error rate is shared.
    """

    def __init__(self, workspace: Workspace, domains: Sequence[str]) -> None:
        """Look at nothing yet.

        Args:
            workspace: Of the configuration that the budgets are from.
            domains: Names of the domains to look at.
        """
        self._workspace = workspace
        self._domains = domains
        self._config = workspace.config
        self.count = 1

    def at(self, checkpoint: Checkpoint) -> Look:
        """Draw its samples, measure and judge them."""
        known = {**self._config.checkpoints, checkpoint.name: checkpoint}
        workspace = self._workspace.with_config(replace(self._config, checkpoints=known))
        judge = Judge(workspace, lambda: evidence)
        gates = list(self._gates(checkpoint.name))
        bounds = self.count * sum(len(gate.bounds) for gate in gates)
        verdicts = tuple(_judged(workspace, judge, gate, bounds) for gate in gates)
        values = dict(self._values(workspace, checkpoint.name))
        workspace.forget(checkpoint.name)
        self._workspace = workspace  # which has the features of the reference
        return Look(values | dict(_parts(verdicts)), verdicts)

    def _gates(self, checkpoint: str) -> Iterator[Gate]:
        for domain in self._domains:
            for family, budget in self._config.domain(domain).budgets.items():
                yield Gate(checkpoint, domain, family, budget)

    def _values(self, workspace: Workspace, checkpoint: str) -> Iterator[tuple[str, float]]:
        """Every family that the domain's kind has, where it is defined, and the token entropy."""
        for name in self._domains:
            domain = workspace.domain(name)
            for family in kind_of(domain).metrics:
                budget = domain.budgets.get(family)
                metric = metric_of(domain, family, budget.metric if budget else None)
                value = workspace.estimate(checkpoint, name, metric).value
                if value is not None:
                    yield f"diversity/{name}/{family}", value
            entropy = _token_entropy(workspace.samples(checkpoint, name))
            if entropy is not None:
                yield f"diversity/{name}/token_entropy", entropy


def _judged(workspace: Workspace, judge: Judge, gate: Gate, bounds: int) -> Verdict:
    """The verdict, as one of so many bounds over all looks (Bonferroni)."""
    others = OtherBounds.unknown(bounds - len(gate.bounds))
    features = workspace.features(gate.checkpoint, gate.domain)
    return judge.judge_on(gate, features, judge.reference(gate), others)


def _token_entropy(samples: SampleSet) -> float | None:
    """The mean surprise of a token in nats, where the samples know what they surprised by."""
    known = [
        (-one.logprob, one.tokens)
        for group in samples.values()
        for one in group
        if one.logprob is not None and one.tokens
    ]
    if not known:
        return None
    surprise, tokens = map(sum, zip(*known, strict=True))
    return surprise / tokens


def _parts(verdicts: Sequence[Verdict]) -> Iterator[tuple[str, float]]:
    """Of each effective change what it lost by quality, and what by narrowing."""
    for verdict in verdicts:
        for part, found in verdict.split.items():
            loss = found["loss"]
            if loss is not None:
                yield f"diversity/{verdict.domain}/{verdict.family}_{part}_loss", loss
