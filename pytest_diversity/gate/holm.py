"""Holm over the bounds of one checkpoint, decided inside each test.

A checkpoint with twenty budgets has twenty chances to be failed by noise. Holm's correction keeps
the chance that any budget is failed without reason at 5 %. It needs the p-values of all bounds, and
every budget is a test of its own, run in any order and in any process. So a test whose verdict
depends on them computes those of the others too, from the same samples that their tests use. What
was not selected in this run and has no samples yet counts as a p-value of 1, which only ever makes
the correction milder: the rate is kept, and nothing is drawn that was not asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from pytest_diversity.config.values import Config
from pytest_diversity.errors import DiversityError
from pytest_diversity.gate.bounds import Gate, Key
from pytest_diversity.gate.decide import NO_OTHERS, OtherBounds

__all__ = ["Multiplicity"]


class Multiplicity:
    """The bounds that the configuration puts on each checkpoint.

    Attributes:
        selected: The gates that this run judges; all of them while nothing else is known.
    """

    def __init__(
        self,
        config: Config,
        p_values: Callable[[Gate], Sequence[float]],
        at_hand: Callable[[str, str], bool],
    ) -> None:
        """Compute nothing yet.

        Args:
            config: All budgets.
            p_values: The p-values of a gate.
            at_hand: Whether the samples of a checkpoint in a domain need not be drawn.
        """
        self._config = config
        self._p_values = p_values
        self._at_hand = at_hand
        self._known: dict[Key, Sequence[float]] = {}
        self.selected: frozenset[Key] | None = None

    def gates(self, checkpoint: str) -> Iterator[Gate]:
        """Every gate of a checkpoint."""
        for name, domain in self._config.domains.items():
            for family, budget in domain.budgets.items():
                yield Gate(checkpoint, name, family, budget)

    def every(self) -> list[Gate]:
        """Every gate of every checkpoint under test."""
        return [gate for name in self._config.selected for gate in self.gates(name)]

    def others(self, gate: Gate) -> OtherBounds:
        """The bounds of the checkpoint beside those of one of its gates."""
        others = [
            other
            for other in self.gates(gate.checkpoint)
            if other.budget.level != "off" and other.key != gate.key
        ]
        count = sum(len(other.bounds) for other in others)
        if not count:
            return NO_OTHERS
        return OtherBounds(count, lambda: [p for other in others for p in self._of(other)])

    def _of(self, gate: Gate) -> Sequence[float]:
        if gate.key not in self._known:
            self._known[gate.key] = self._compute(gate)
        return self._known[gate.key]

    def _compute(self, gate: Gate) -> Sequence[float]:
        selected = self.selected is None or gate.key in self.selected
        try:
            if selected or self._at_hand(gate.checkpoint, gate.domain):
                return self._p_values(gate)
        except DiversityError:  # its own test says what is wrong
            pass
        return [1.0] * len(gate.bounds)
