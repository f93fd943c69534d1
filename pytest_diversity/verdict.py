"""What became of one budget: the last word of the line, which reports are made of.

A module of its own beside `gate/`, for events carry verdicts to every room that reports them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, ClassVar, Literal, TypeAlias

from pytest_diversity.frames import Columns, Tabular
from pytest_diversity.text import number, visible

__all__ = ["Difference", "Split", "Status", "Verdict", "split_line"]

Status = Literal["pass", "fail", "unclear", "undefined"]
Split: TypeAlias = Mapping[str, Mapping[str, float | None]]


@dataclass(frozen=True, slots=True)
class Difference:
    """How far a metric is from its value of a reference: after - before, whichever is good.

    Attributes:
        reference: Its name.
        before: The mean of the reference, over the prompts that are defined on both sides.
        value: The mean difference over the same prompts.
        low: Lower end of its two-sided 95 % interval; None with fewer than two prompts.
        high: Upper end, likewise.
        per_prompt: The difference of each prompt.
        lengths: What was done about the lengths of the texts, where they matter.
        mean_tokens: Mean length of the reference's samples; None where it is not known.
    """

    reference: str
    before: float
    value: float
    low: float | None
    high: float | None
    per_prompt: Mapping[str, float]
    lengths: str
    mean_tokens: float | None


@dataclass(frozen=True, slots=True)
class Verdict(Tabular):
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
        split: Of an effective change the loss by `quality` and by `narrowing`, each with interval
            and one-sided p-value, as `statistics.split.Part` has them; empty where it has none.
        bar: Judge, version and threshold of what was valid; None where that rests on no judge.
        per_prompt: The value of each prompt where it is defined.
        change: What became of it since the reference; None where it is compared with none.
        worst: The prompt that speaks loudest against the checkpoint: the one that lost most of what
            a budget on changes guards, else the one furthest on the wrong side; None without any.
        mean_tokens: Mean length of the samples in the domain's tokens; None where it has none.
        limits: What each bound allows, by its name, in the units of the metric: a level, or how far
            the value may move from the reference's.
        run: The training run that the checkpoint is of; empty where it stands alone.
        step: Which step of it; None where it is no numbered one.
        quality: Of each prompt the factor of quality in its value; empty where there is none.
        label: What samples at hand were called by the test that passed them, if anything.
    """

    columns: ClassVar[Columns] = {
        "checkpoint": str,
        "run": str,
        "step": int,
        "domain": str,
        "family": str,
        "metric": str,
        "status": str,
        "value": float,
        "low": float,
        "high": float,
        "budget": str,
        "level": str,
        "reference": str,
        "before": float,
        "change": float,
        "change_low": float,
        "change_high": float,
        "p": float,
        "adjusted": float,
        "prompts": int,
        "samples": str,
        "mean_tokens": float,
        "worst": str,
        "bar": str,
    }

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
    split: Split = field(default_factory=dict)
    bar: str | None = None
    per_prompt: Mapping[str, float] = field(default_factory=dict, repr=False)
    change: Difference | None = None
    worst: str | None = None
    mean_tokens: float | None = None
    limits: Mapping[str, float] = field(default_factory=dict, repr=False)
    run: str = ""
    step: int | None = None
    quality: Mapping[str, float] = field(default_factory=dict, repr=False)
    label: str = ""

    @property
    def name(self) -> str:
        """Whose it is: the checkpoint's name, or what samples at hand were called; else `-`."""
        return self.checkpoint or self.label or "-"

    @property
    def message(self) -> str:
        """The headline and what stands under it."""
        return visible("\n".join([self.headline, *(f"  {line}" for line in self.details)]))

    @property
    def moved(self) -> str | None:
        """Of an effective change, its parts in a line; None where neither surely moved."""
        surely = any(map(_moved, self.split.values()))
        return split_line(self.split) if surely else None

    @property
    def warned(self) -> bool:
        """Whether the budget is missed and its level lets the test pass."""
        return self.level != "error" and self.status in {"fail", "undefined"}

    def rows(self) -> list[dict[str, Any]]:
        """One row: what it says of the checkpoint, and of its change since `reference`."""
        change = self.change
        moved = {
            "reference": change and change.reference,
            "before": change and change.before,
            "change": change and change.value,
            "change_low": change and change.low,
            "change_high": change and change.high,
        }
        own = {name: getattr(self, name) for name in self.columns if name not in moved}
        return [{name: {**own, **moved}[name] for name in self.columns}]

    def fails(self, *, strict: bool) -> bool:
        """Whether its test fails; where `strict`, also of a verdict that is unclear."""
        failing = {"fail", "undefined", "unclear"} if strict else {"fail", "undefined"}
        return self.level == "error" and self.status in failing

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return asdict(self)

    @classmethod
    def from_dict(cls, plain: dict[str, Any]) -> Verdict:
        """The counterpart of `as_dict`, also after JSON has made lists of tuples."""
        lines = {key: tuple(plain[key]) for key in ("details", "notes")}
        change = Difference(**plain["change"]) if plain.get("change") else None
        return cls(**{**plain, **lines, "change": change})


def split_line(split: Split) -> str:
    """Which part of an effective loss is quality control and which narrowing, and what moved."""
    total = sum(part["loss"] or 0.0 for part in split.values())
    shown = " + ".join(f"{name} {_with_interval(part)}" for name, part in split.items())
    moved = " and ".join(name for name, part in split.items() if _moved(part)) or "neither surely"
    return f"loss {number(total)} = {shown}: {moved} moved"


def _with_interval(part: Mapping[str, float | None]) -> str:
    low, high = part["low"], part["high"]
    span = f" [{number(low)}, {number(high)}]" if low is not None else ""
    return f"{number(part['loss'])}{span}"


def _moved(part: Mapping[str, float | None]) -> bool:
    """Whether its interval leaves out that nothing has changed."""
    low, high = part["low"], part["high"]
    return low is not None and high is not None and not low <= 0 <= high
