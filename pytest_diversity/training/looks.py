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

if TYPE_CHECKING:
    from pytest_diversity.samples import SampleSet
    from pytest_diversity.session import Session
    from pytest_diversity.verdict import Verdict

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

    def __init__(self, session: Session, domains: Sequence[str]) -> None:
        """Look at nothing yet.

        Args:
            session: With the configuration that the budgets are from.
            domains: Names of the domains to look at.
        """
        self._session = session
        self._domains = domains
        self._config = session.config
        self.count = 1

    def at(self, checkpoint: Checkpoint) -> Look:
        """Draw its samples, measure and judge them."""
        workspace = self._session.workspace
        known = {**self._config.checkpoints, checkpoint.name: checkpoint}
        workspace.config = replace(self._config, checkpoints=known)
        try:
            gates = list(self._gates(checkpoint.name))
            bounds = self.count * sum(len(gate.bounds) for gate in gates)
            verdicts = tuple(self._judged(gate, bounds) for gate in gates)
            values = dict(self._values(checkpoint.name))
        finally:
            workspace.forget(checkpoint.name)
            self._session.drain()
        return Look(values | dict(_parts(verdicts)), verdicts)

    def _gates(self, checkpoint: str) -> Iterator[Gate]:
        for domain in self._domains:
            for family, budget in self._config.domain(domain).budgets.items():
                yield Gate(checkpoint, domain, family, budget)

    def _judged(self, gate: Gate, bounds: int) -> Verdict:
        """The verdict, as one of so many bounds over all looks (Bonferroni)."""
        judge, others = self._session.judge, bounds - len(gate.bounds)
        features = self._session.workspace.features(gate.checkpoint, gate.domain)
        reference = judge.reference(gate)
        return judge.judge_on(
            gate, features, reference, OtherBounds(others, lambda: [1.0] * others)
        )

    def _values(self, checkpoint: str) -> Iterator[tuple[str, float]]:
        """Every family that the domain's kind has, where it is defined, and the token entropy."""
        workspace = self._session.workspace
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
