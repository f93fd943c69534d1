"""Verbalized Sampling beside asking directly: how many answers are usable, and how varied."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from example_project.study import words
from example_project.study.changes import Changes
from example_project.study.project import domains
from pytest_diversity.samples import MALFORMED
from pytest_diversity.statistics.mean import Mean

_PREFIX = "verbalized-"
_FAMILIES = ("lexical", "syntactic", "effective")


def verbalized(changes: Changes) -> str:
    """A row for each number of answers that a call asks for."""
    head = ("answers a call", "domain", "usable answers", "share, over prompts", "valid directly",
            *(f"{family}, change" for family in _FAMILIES), "prompts x samples")  # fmt: skip
    return words.table(head, _rows(changes))


def _rows(changes: Changes) -> Iterator[Sequence[str]]:
    for name in changes.config.checkpoints:
        for domain in domains(changes.config, name) if name.startswith(_PREFIX) else ():
            groups = changes.features(name, domain).samples.values()
            usable = [[one.finish_reason != MALFORMED for one in group] for group in groups]
            shares = Mean.of([sum(group) / len(group) for group in usable], bounded=True)
            direct = changes.comparison(name, domain, "quality").before
            yield (
                name.removeprefix(_PREFIX),
                domain,
                f"{sum(map(sum, usable))} of {sum(map(len, usable))}",
                words.level(shares.value, shares.interval()),
                words.level(direct.value, (direct.low, direct.high)),
                *(_change(changes, name, domain, family) for family in _FAMILIES),
                f"{len(usable)} x {len(usable[0])}",
            )


def _change(changes: Changes, name: str, domain: str, family: str) -> str:
    found = changes.change(name, domain, family)
    return f"{words.change(found.mean)} ({len(found.per_prompt)})"
