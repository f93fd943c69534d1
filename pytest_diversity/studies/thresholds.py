"""Thresholds of judges from data: what each would accept of every checkpoint's answers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from pytest_diversity.domains.bar import bar_of, fixed, rests_on_judge
from pytest_diversity.features import Features
from pytest_diversity.studies.cases import Case
from pytest_diversity.text import columns, number

__all__ = ["trade"]

_PERCENTILES = (5.0, 10.0, 20.0, 30.0, 50.0)
_PROPOSED = 20.0


def trade(cases: Sequence[Case], healthy: str) -> Iterator[str]:
    """For each domain with a judge that grades: thresholds, and the share that each accepts.

    A threshold is a percentile of the healthy checkpoint's scores. A lower one lets bad answers
    count as variety; a higher one costs right ones, and with them the power of every gate on them.
    """
    by_domain: dict[str, dict[str, Features]] = {}
    for case in cases:
        if rests_on_judge(case.features, case.metric):
            by_domain.setdefault(case.gate.domain, {})[case.gate.checkpoint] = case.features
    for domain, found in by_domain.items():
        if healthy in found and _grades(found[healthy]):
            yield ""
            yield from _table(domain, found, healthy)


def _grades(features: Features) -> bool:
    """Whether there is anything to choose between."""
    scores = features.assessed(bar_of(features)).scores
    return len({score for score in scores if score is not None}) > 2


def _table(domain: str, found: Mapping[str, Features], healthy: str) -> Iterator[str]:
    bar = bar_of(found[healthy])
    rows, proposed = [], 0.0
    for percentile in _PERCENTILES:
        at = fixed(bar.at(percentile), found[healthy])
        proposed = at.threshold or 0.0 if percentile == _PROPOSED else proposed
        accepted = (features.assessed(at).valid for features in found.values())
        shares = (f"{sum(valid) / len(valid):.2f}" for valid in accepted)
        rows.append((f"{domain} p{percentile:g}", number(at.threshold), *shares))
    yield from columns([(f"accepted by {bar.judge}", "threshold", *found), *rows])
    yield f"proposed: threshold = {proposed:.4g}, or reference:p{_PROPOSED:g} to follow {healthy}"
