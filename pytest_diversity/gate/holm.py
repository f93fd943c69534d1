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

from pytest_diversity.config.values import Budget, Config
from pytest_diversity.errors import DiversityError
from pytest_diversity.gate.decide import ALONE, Others, count_bounds

__all__ = ["Key", "Multiplicity"]

Key = tuple[str, str, str]  # checkpoint, domain, family
PValues = Callable[[str, str, str, Budget], Sequence[float]]


class Multiplicity:
    """The bounds that the configuration puts on each checkpoint.

    Attributes:
        selected: The budgets that this run judges; all of them while nothing else is known.
    """

    def __init__(
        self, config: Config, p_values: PValues, at_hand: Callable[[str, str], bool]
    ) -> None:
        """Compute nothing yet.

        Args:
            config: All budgets.
            p_values: The p-values of a budget of a checkpoint in a domain, by family.
            at_hand: Whether the samples of a checkpoint in a domain need not be drawn.
        """
        self._config = config
        self._p_values = p_values
        self._at_hand = at_hand
        self._known: dict[Key, Sequence[float]] = {}
        self.selected: frozenset[Key] | None = None

    def every(self) -> list[Key]:
        """Every budget of every checkpoint under test."""
        return [
            (checkpoint, name, family)
            for checkpoint in self._config.selected
            for name, domain in self._config.domains.items()
            for family in domain.budgets
        ]

    def others(self, checkpoint: str, domain: str, family: str) -> Others:
        """The bounds of the checkpoint beside those of one family of one domain."""
        budgets = {
            key: budget
            for key, budget in self._budgets(checkpoint)
            if key != (checkpoint, domain, family)
        }
        count = sum(count_bounds(budget, checkpoint) for budget in budgets.values())
        if not count:
            return ALONE
        return Others(
            count, lambda: [p for key, budget in budgets.items() for p in self._of(key, budget)]
        )

    def _budgets(self, checkpoint: str) -> Iterator[tuple[Key, Budget]]:
        for name, domain in self._config.domains.items():
            for family, budget in domain.budgets.items():
                if budget.level != "off":
                    yield (checkpoint, name, family), budget

    def _of(self, key: Key, budget: Budget) -> Sequence[float]:
        if key not in self._known:
            self._known[key] = self._compute(key, budget)
        return self._known[key]

    def _compute(self, key: Key, budget: Budget) -> Sequence[float]:
        checkpoint, domain, family = key
        unknown = [1.0] * count_bounds(budget, checkpoint)
        selected = self.selected is None or key in self.selected
        try:
            if selected or self._at_hand(checkpoint, domain):
                return self._p_values(checkpoint, domain, family, budget)
        except DiversityError:  # its own test says what is wrong
            pass
        return unknown
