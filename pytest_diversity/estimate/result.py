"""What was measured: an estimate over prompts, and two of them beside each other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from pytest_diversity.features.endings import Endings
from pytest_diversity.frames import Columns, Tabular
from pytest_diversity.metrics import Metric

if TYPE_CHECKING:
    from pytest_diversity.statistics.split import Part

__all__ = ["Comparison", "Estimate"]


@dataclass(frozen=True, slots=True)
class Estimate(Tabular):
    """A metric of one domain, over prompts.

    Attributes:
        metric: Its canonical name.
        domain: The domain's name.
        value: Mean over the prompts where it is defined; None where it is defined nowhere.
        low: Lower end of the two-sided 95 % interval over prompts; None with fewer than two.
        high: Upper end, likewise.
        per_prompt: The value of each prompt where it is defined; across prompts, what each prompt,
            or each group of many, contributes to the one value that they have together.
        defined: Share of prompts where it is defined.
        samples_per_prompt: Smallest and largest number of samples of a prompt.
        mean_tokens: Mean length of the samples in the domain's tokens; None where it has none.
        reason: Why it is undefined, if it is.
        notes: What must be said beside the value.
        groups: The value of each group of prompts, the mean over its prompts.
        group_of: The group of each prompt that has one and a value.
        worst_group: The group that does worst in the metric's direction, with its value.
        endings: How the samples ended; None of recorded values.
        quality: Of each prompt the factor of quality in its value; empty where there is none.
        bar: Judge, version and threshold of what was valid; None where validity rests on no judge.
    """

    columns: ClassVar[Columns] = {
        "domain": str,
        "family": str,
        "metric": str,
        "prompt": str,
        "group": str,
        "value": float,
        "quality": float,
    }

    metric: Metric
    domain: str
    value: float | None
    low: float | None
    high: float | None
    per_prompt: Mapping[str, float] = field(repr=False)
    defined: float
    samples_per_prompt: tuple[int, int]
    mean_tokens: float | None = None
    reason: str | None = None
    notes: tuple[str, ...] = ()
    groups: Mapping[str, float] = field(default_factory=dict, repr=False)
    group_of: Mapping[str, str] = field(default_factory=dict, repr=False)
    worst_group: tuple[str, float] | None = None
    endings: Endings | None = None
    quality: Mapping[str, float] = field(default_factory=dict, repr=False)
    bar: str | None = None

    def rows(self) -> list[dict[str, Any]]:
        """A row for each prompt where it is defined; `quality` is the factor in its value."""
        of = {"domain": self.domain, "family": self.metric.definition.family}
        of |= {"metric": str(self.metric)}
        group, quality = self.group_of.get, self.quality.get
        return [
            {**of, "prompt": p, "group": group(p), "value": float(value), "quality": quality(p)}
            for p, value in self.per_prompt.items()
        ]


@dataclass(frozen=True, slots=True)
class Comparison(Tabular):
    """Both sides of a paired comparison, each prompt with as many samples as on the other side.

    Attributes:
        name: Of the reference, as a message says it.
        before: The reference.
        after: What is compared with it.
        notes: What must be said beside the comparison.
        bar: What decided which answers of both are valid, and why; empty where a domain says it.
        lengths: What was done about lengths, where they matter.
        as_written: The same without control of lengths, where both sides are at equal ones.
    """

    columns: ClassVar[Columns] = {
        "domain": str,
        "family": str,
        "metric": str,
        "prompt": str,
        "group": str,
        "reference": str,
        "before": float,
        "after": float,
        "change": float,
        "quality_loss": float,
        "narrowing": float,
    }

    name: str
    before: Estimate
    after: Estimate
    notes: tuple[str, ...] = ()
    bar: str = ""
    lengths: str = ""
    as_written: Comparison | None = None

    def rows(self) -> list[dict[str, Any]]:
        """A row for each prompt that is defined on both sides; `change` is after - before.

        Of a metric that is a product with a quality, `quality_loss` and `narrowing` are its parts.
        """
        after, parts = self.after.per_prompt, self.parts
        rows = []
        for row in self.before.rows():
            if (p := row["prompt"]) in after:
                before, now = row["value"], float(after[p])
                row |= {"reference": self.name, "before": before, "after": now}
                lost, narrowed = parts.get(p, (None, None))
                row |= {"change": now - before, "quality_loss": lost, "narrowing": narrowed}
                rows.append({name: row[name] for name in self.columns})
        return rows

    @property
    def parts(self) -> Mapping[str, tuple[float, float]]:
        """Of each prompt what it lost by quality, and what by narrowing among valid answers.

        Empty where the metric is no product with a quality, or none was recorded.
        """
        old, new = self.before, self.after
        common = [p for p in old.quality if p in new.quality]
        if not common:
            return {}
        from pytest_diversity.statistics.split import split  # noqa: PLC0415 - few metrics have parts

        return {
            p: split((old.per_prompt[p], old.quality[p]), (new.per_prompt[p], new.quality[p]))
            for p in common
        }

    @property
    def split(self) -> Mapping[str, Part]:
        """The mean loss by `quality` and by `narrowing`, its summands; empty as `parts` is."""
        if not self.parts:
            return {}
        from pytest_diversity.statistics.split import Part  # noqa: PLC0415 - as above

        quality, narrowing = zip(*self.parts.values(), strict=True)
        return {"quality": Part.of(quality), "narrowing": Part.of(narrowing)}
