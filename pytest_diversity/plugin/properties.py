"""What JUnit's XML says of a verdict: properties of the test case, as pytest gathers them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import pytest

from pytest_diversity.report.table import interval, status_of
from pytest_diversity.text import number, signed, visible
from pytest_diversity.verdict import Verdict

__all__ = ["annotate_item", "properties"]

_PREFIX = "diversity."


def annotate_item(item: pytest.Item, verdicts: Iterable[Verdict], *, begins: bool) -> None:
    """Put verdicts among the properties of a test; they travel with its reports, xdist included.

    Args:
        item: The test.
        verdicts: What was judged in a part of it.
        begins: Whether that is its first part: what an earlier run of the same test has left goes.
    """
    if begins:
        item.user_properties[:] = [one for one in item.user_properties if not _ours(one[0])]
    known = sum(name.endswith("verdict") for name, _ in item.user_properties if _ours(name))
    for count, verdict in enumerate(verdicts, start=known + 1):
        item.user_properties += properties(verdict, count)


def properties(verdict: Verdict, count: int = 1) -> Iterator[tuple[str, str]]:
    """Name and value of each property; those of a test's second verdict are `diversity.2.value`."""
    change, prefix = verdict.change, _PREFIX if count == 1 else f"{_PREFIX}{count}."
    found = {
        "verdict": status_of(verdict),
        "checkpoint": verdict.checkpoint,
        "label": verdict.label,
        "domain": verdict.domain,
        "family": verdict.family,
        "metric": verdict.metric,
        "value": number(verdict.value),
        "interval": interval(verdict.low, verdict.high),
        "budget": verdict.budget,
        "reference": change.reference if change else "",
        "change": signed(change.value) if change else "",
        "change_interval": interval(change.low, change.high, signed) if change else "",
        "p": _p(verdict.p),
        "adjusted": _p(verdict.adjusted),
        "worst_prompt": verdict.worst or "",
    }
    return ((prefix + name, visible(value)) for name, value in found.items() if value)


def _ours(name: object) -> bool:
    return str(name).startswith(_PREFIX)


def _p(value: float | None) -> str:
    return "" if value is None else f"{value:.3g}"
