"""Verbalized Sampling beside asking directly: how many answers are usable, and how varied."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from scipy.stats import binomtest

from example_project.study import words
from example_project.study.changes import Changes
from example_project.study.project import domains
from pytest_diversity.samples import MALFORMED

_PREFIX = "verbalized-"
_FAMILIES = ("lexical", "effective", "quality")


def verbalized(changes: Changes) -> str:
    """A row for each number of answers that a call asks for."""
    head = ("answers a call", "domain", "usable answers", "prompts with a usable one",
            *(f"{family}, change" for family in _FAMILIES))  # fmt: skip
    return words.table(head, _rows(changes))


def _rows(changes: Changes) -> Iterator[Sequence[str]]:
    for name in changes.config.checkpoints:
        for domain in domains(changes.config, name) if name.startswith(_PREFIX) else ():
            groups = changes.features(name, domain).samples.values()
            usable = [sum(one.finish_reason != MALFORMED for one in group) for group in groups]
            some = sum(map(bool, usable))
            span = binomtest(some, len(usable)).proportion_ci()  # over prompts, and never empty
            yield (
                name.removeprefix(_PREFIX),
                domain,
                f"{sum(usable)} of {sum(map(len, groups))}",
                f"{some} of {len(usable)} [{span.low:.3f}, {span.high:.3f}]",
                *(words.change(changes.change(name, domain, one).mean) for one in _FAMILIES),
            )
