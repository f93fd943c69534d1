"""Estimates of given values, and their verdicts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pytest_diversity.config.budget import Budget
from pytest_diversity.estimate import Comparison, Estimate
from pytest_diversity.gate.bounds import Gate
from pytest_diversity.gate.decide import decide
from pytest_diversity.metrics import Definition, Metric, parse
from pytest_diversity.statistics.mean import Mean
from pytest_diversity.verdict import Verdict

__all__ = ["BASE", "HIGHER", "LEVEL", "LOWER", "WORSE", "compared", "estimated", "judge"]


def _repetition() -> float:
    return 0.0


HIGHER = parse("pair_distinct")
LOWER = Metric(Definition(_repetition, "lexical", "down", (), (), {}), ())

# Eight prompts around 0.4, with a standard error of .0093.
LEVEL = [0.40, 0.44, 0.36, 0.41, 0.39, 0.38, 0.42, 0.40]
BASE = [0.50, 0.60, 0.55, 0.65, 0.45, 0.52, 0.58, 0.61]
WORSE = [0.40, 0.52, 0.44, 0.55, 0.38, 0.41, 0.50, 0.49]


def estimated(
    values: Sequence[float], metric: Metric = HIGHER, *, domain: str = "code", reason: str = ""
) -> Estimate:
    """The estimate of one value per prompt."""
    mean = Mean.of(values) if values else None
    low, high = (mean.interval() if mean else None) or (None, None)
    return Estimate(
        metric=metric,
        domain=domain,
        value=mean.value if mean else None,
        low=low,
        high=high,
        per_prompt={f"p{i}": value for i, value in enumerate(values)},
        defined=1.0 if values else 0.0,
        samples_per_prompt=(8, 8),
        mean_tokens=20.0,
        reason=reason or None,
    )


def judge(estimate: Estimate, budget: Budget, *, checkpoint: str = "dpo", **rest: Any) -> Verdict:
    """The verdict on the words of a checkpoint."""
    return decide(Gate(checkpoint, estimate.domain, "lexical", budget), estimate, **rest)


def compared(
    before: Sequence[float], after: Sequence[float], budget: Budget, metric: Metric = HIGHER
) -> Verdict:
    """The verdict on `after` against the reference `before`."""
    reference = Comparison("base", estimated(before, metric), estimated(after, metric))
    return judge(reference.after, budget, reference=reference)
