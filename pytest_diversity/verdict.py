"""What became of one budget: the last word of the line, which reports are made of.

A module of its own beside `gate/`, for events carry verdicts to every room that reports them.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

from pytest_diversity.text import visible

__all__ = ["Status", "Verdict"]

Status = Literal["pass", "fail", "unclear", "undefined"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of one budget; plain values, so that it can cross process borders.

    Attributes:
        status: `pass`; `fail`: the one-sided bound lies on the wrong side of the budget, at the
            confidence that Holm leaves it; `unclear`: the estimate misses the budget, the bound
            does not; `undefined`: nothing to compare.
        headline: Everything in at most 60 characters.
        details: The lines under it: interval, reference, size, evidence.
        notes: What must be said even when it passed, for example that it could hardly have failed.
        checkpoint: The checkpoint under test, empty for samples at hand.
        domain: The domain's name.
        family: The family of the metric.
        metric: Its canonical name.
        value: The estimate, None if undefined.
        low: Lower end of its two-sided 95 % interval.
        high: Upper end.
        budget: The bounds, readable.
        level: `error`, `warn` or `off`.
        prompts: How many prompts were compared.
        samples: Samples per prompt, readable.
        p: The smallest one-sided p-value of its bounds, None if undefined.
        adjusted: The same after Holm, or an upper limit of it where that decided already.
        bounds: Over how many bounds of the checkpoint Holm went.
        kept: The largest p-value of the other side: small where all bounds are surely kept.
        bar: Judge, version and threshold of what was valid; None where that rests on no judge.
    """

    status: Status
    headline: str
    details: tuple[str, ...]
    notes: tuple[str, ...]
    checkpoint: str
    domain: str
    family: str
    metric: str
    value: float | None
    low: float | None
    high: float | None
    budget: str
    level: str
    prompts: int
    samples: str
    p: float | None = None
    adjusted: float | None = None
    bounds: int = 1
    kept: float | None = None
    bar: str | None = None

    @property
    def message(self) -> str:
        """The headline and what stands under it."""
        return visible("\n".join([self.headline, *(f"  {line}" for line in self.details)]))

    @property
    def warned(self) -> bool:
        """Whether the budget is missed and its level lets the test pass."""
        return self.level != "error" and self.status in {"fail", "undefined"}

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return asdict(self)

    @classmethod
    def from_dict(cls, plain: dict[str, Any]) -> Verdict:
        """The counterpart of `as_dict`, also after JSON has made lists of tuples."""
        lines = {key: tuple(plain[key]) for key in ("details", "notes")}
        return cls(**{**plain, **lines})
