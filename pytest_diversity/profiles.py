"""The whole profile of a checkpoint in one domain: every family, never a number over domains.

Not called `profile.py`: once imported, a submodule hides the package's lazy attribute of its name.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from html import escape
from itertools import chain
from textwrap import wrap
from typing import Any, ClassVar

from pytest_diversity.config.quality import Quality
from pytest_diversity.config.values import Domain
from pytest_diversity.domains.build import features_of
from pytest_diversity.domains.defaults import domain_of, metric_of
from pytest_diversity.errors import DiversityError
from pytest_diversity.estimate import Estimate, Samples, estimate
from pytest_diversity.families import FAMILIES
from pytest_diversity.features import Embed, Features
from pytest_diversity.frames import Columns, Tabular
from pytest_diversity.metrics import Metric
from pytest_diversity.samples import SampleSet
from pytest_diversity.text import columns, number, plural, shorten, visible

__all__ = ["DomainProfile", "profile", "profile_of"]

_WIDTH = 80
_METRIC = 22  # characters
_HEAD = ("family", "metric", "value", "95% interval", "of prompts")


@dataclass(frozen=True, slots=True, repr=False)
class DomainProfile(Tabular):
    """What the samples of one domain are like, by family; it prints itself, in notebooks too.

    Attributes:
        domain: The domain's name.
        checkpoint: Whose samples they are; empty for samples at hand.
        prompts: How many prompts they answer.
        samples: Smallest and largest number of samples of a prompt.
        estimates: By family: metric, value, interval, the value of each prompt, bar, notes.
        undefined: Why a family has no value, of each that has none.
    """

    columns: ClassVar[Columns] = {
        "checkpoint": str,
        "domain": str,
        "family": str,
        "metric": str,
        "value": float,
        "low": float,
        "high": float,
        "prompts": int,
        "lowest": float,
        "highest": float,
        "bar": str,
        "reason": str,
        "notes": str,
    }

    domain: str
    checkpoint: str
    prompts: int
    samples: tuple[int, int]
    estimates: Mapping[str, Estimate] = field(default_factory=dict)
    undefined: Mapping[str, str] = field(default_factory=dict)

    def __getitem__(self, family: str) -> Estimate:
        """The estimate of a family.

        Raises:
            KeyError: It has none: `undefined` says why.
        """
        return self.estimates[family]

    @property
    def notes(self) -> Mapping[str, Sequence[str]]:
        """What must be said beside the values, each once, with the families that it is about."""
        found: dict[str, list[str]] = {}
        for family in FAMILIES:
            if family in self.undefined:
                found.setdefault(self.undefined[family], []).append(family)
            elif one := self.estimates.get(family):
                for note in self._said(one):
                    found.setdefault(note, []).append(family)
        return found

    def _said(self, one: Estimate) -> Iterator[str]:
        if len(one.per_prompt) < self.prompts and not one.metric.across:
            yield f"defined for {len(one.per_prompt)} of {plural(self.prompts, 'prompt')}"
        if one.bar:
            yield f"valid by {one.bar}"
        yield from one.notes

    def rows(self) -> list[dict[str, Any]]:
        """A row for each family, also where it is undefined; `lowest` is of its prompts."""
        whose = {"checkpoint": self.checkpoint, "domain": self.domain}
        return [
            {**dict.fromkeys(self.columns), **whose, "family": family, **self._measured(family)}
            for family in FAMILIES
        ]

    def _measured(self, family: str) -> dict[str, Any]:
        one, reason = self.estimates.get(family), self.undefined.get(family)
        if one is None:
            return {"prompts": 0, "reason": reason}
        values = [float(value) for value in one.per_prompt.values()]
        return {
            "metric": str(one.metric),
            "value": one.value,
            "low": one.low,
            "high": one.high,
            "prompts": len(values),
            "lowest": min(values, default=None),
            "highest": max(values, default=None),
            "bar": one.bar,
            "reason": reason,
            "notes": "; ".join(one.notes),
        }

    def __str__(self) -> str:
        """A table of the families and, under it, what must be said; 80 characters wide."""
        said = (
            wrap(f"{', '.join(families)}: {visible(note)}", _WIDTH, subsequent_indent="  ")
            for note, families in self.notes.items()
        )
        table = columns([_HEAD, *map(_cells, self.rows())])
        return "\n".join(
            [*wrap(self._title, _WIDTH), *table, *(line for one in said for line in one)]
        )

    __repr__ = __str__

    def _repr_html_(self) -> str:
        """The same for a notebook, with the values of the prompts; it loads nothing."""
        said = (f"{', '.join(families)}: {note}" for note, families in self.notes.items())
        return (
            f"<div><p><b>{_shown(self._title)}</b></p>"
            f"{_table(_HEAD, map(_cells, self.rows()))}"
            f"<ul>{''.join(f'<li>{_shown(line)}</li>' for line in said)}</ul>"
            f"<details><summary>by prompt</summary>{self._by_prompt()}</details></div>"
        )

    def _by_prompt(self) -> str:
        known = {family: one.per_prompt for family, one in self.estimates.items()}
        prompts = dict.fromkeys(chain.from_iterable(known.values()))
        rows = (
            [prompt, *(number(one[prompt]) if prompt in one else "-" for one in known.values())]
            for prompt in prompts
        )
        return _table(["prompt", *known], rows)

    @property
    def _title(self) -> str:
        whose = f" of {self.checkpoint}" if self.checkpoint else ""
        fewest, most = self.samples
        each = str(most) if fewest == most else f"{fewest}-{most}"
        lengths = [
            one.mean_tokens for one in self.estimates.values() if one.mean_tokens is not None
        ]
        length = f", mean length {lengths[0]:.1f} tokens" if lengths else ""
        size = f"{plural(self.prompts, 'prompt')} x {each} samples"
        return f"{visible(self.domain + whose)}: {size}{length}"


def _cells(row: Mapping[str, Any]) -> list[str]:
    low, high = row["low"], row["high"]
    return [
        row["family"],
        shorten(row["metric"] or "-", _METRIC),
        number(row["value"]),
        f"[{number(low)}, {number(high)}]" if low is not None else "-",
        f"{number(row['lowest'])} to {number(row['highest'])}" if row["prompts"] else "-",
    ]


def _table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    def line(cells: Iterable[str], tag: str) -> str:
        return f"<tr>{''.join(f'<{tag}>{_shown(cell)}</{tag}>' for cell in cells)}</tr>"

    body = "".join(line(row, "td") for row in rows)
    return f"<table><thead>{line(head, 'th')}</thead><tbody>{body}</tbody></table>"


def _shown(text: str) -> str:
    """Foreign text is shown as it is, and obeyed by nothing."""
    return escape(visible(text))


def profile(
    samples: Samples,
    *,
    domain: str | Domain = "prose",
    embed: Embed | None = None,
    quality: Quality | str | Mapping[str, Any] | None = None,
) -> DomainProfile:
    """Measure every family on `samples` of one domain, by the metrics that are its default.

    Args:
        samples: Texts by prompt, the texts of one prompt, or a SampleSet.
        domain: `code`, `creative_writing`, `prose`, or a Domain of your own.
        embed: What embeds texts; all-MiniLM-L6-v2 if None.
        quality: Which judge says what an answer is; the domain's if None.

    Returns:
        An estimate of each family, or why it has none.

    Raises:
        ConfigError: The domain is unknown, or there are no samples.
        DataError: `samples` is not of a readable form.
    """
    chosen = domain_of(domain)
    if quality is not None:
        chosen = replace(chosen, quality=Quality.parse(quality))
    features = features_of(SampleSet.of(samples), chosen, embed)
    return profile_of(features, lambda family: metric_of(chosen, family))


def profile_of(
    features: Features, metric: Callable[[str], Metric], checkpoint: str = ""
) -> DomainProfile:
    """The profile of features; a family that cannot be measured says why, and the others remain.

    Args:
        features: Of the samples of one domain.
        metric: Gives the metric of a family.
        checkpoint: Whose they are; empty for samples at hand.
    """
    estimates: dict[str, Estimate] = {}
    undefined: dict[str, str] = {}
    for family in FAMILIES:
        try:
            estimates[family] = found = estimate(features, metric(family))
        except DiversityError as error:
            undefined[family] = str(error)
            continue
        if found.value is None:
            undefined[family] = found.reason or "no value"
    counts = [len(group) for group in features.samples.values()]
    return DomainProfile(
        domain=features.domain.name,
        checkpoint=checkpoint,
        prompts=len(counts),
        samples=(min(counts), max(counts)),
        estimates=estimates,
        undefined=undefined,
    )
