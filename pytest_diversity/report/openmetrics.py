"""A run as OpenMetrics, for GitLab's metrics report and whatever else reads it.

A gate keeps its series from run to run: labels say which gate it is, and nothing of the outcome.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping

from pytest_diversity.events import Judged
from pytest_diversity.report.run import RunReport
from pytest_diversity.text import visible
from pytest_diversity.verdict import Verdict

__all__ = ["write"]

_SERIES: Mapping[str, tuple[str, Callable[[Judged], float | None]]] = {
    "value": ("the value of the metric", lambda one: one.verdict.value),
    "value_low": ("lower end of its 95 % interval", lambda one: one.verdict.low),
    "value_high": ("upper end of its 95 % interval", lambda one: one.verdict.high),
    "change": ("its change since the reference", lambda one: _of_change(one.verdict, "value")),
    "change_low": ("lower end of its 95 % interval", lambda one: _of_change(one.verdict, "low")),
    "change_high": ("upper end of its 95 % interval", lambda one: _of_change(one.verdict, "high")),
    "passed": ("1 where the gate lets its test pass", lambda one: float(not one.fails)),
}


def write(report: RunReport) -> str:
    """All series, each with a sample for every gate that has one."""
    return "\n".join([*_lines(report), "# EOF", ""])


def _lines(report: RunReport) -> Iterator[str]:
    yield "# TYPE pytest_diversity info"
    yield f'pytest_diversity_info{{version="{_escaped(report.version)}"}} 1'
    yield "# TYPE diversity_errors gauge"
    yield "# HELP diversity_errors gates whose tests failed of something else than a verdict"
    yield f"diversity_errors {len(report.broken)}"
    labels = _labels(report)
    for name, (meaning, read) in _SERIES.items():
        yield f"# TYPE diversity_{name} gauge"
        yield f"# HELP diversity_{name} {meaning}"
        for judged, known in zip(report.judged, labels, strict=True):
            value = read(judged)
            if value is not None and math.isfinite(value):
                yield f"diversity_{name}{{{known}}} {value:.6g}"


def _labels(report: RunReport) -> list[str]:
    """Of each gate its own: where a test judges one more than once, they are counted."""
    seen: Counter[str] = Counter()
    found = []
    for judged in report.judged:
        verdict = judged.verdict
        said = {
            "checkpoint": verdict.name,
            **{name: getattr(verdict, name) for name in ("domain", "family", "metric")},
            "test": judged.test,
        }
        known = ",".join(f'{name}="{_escaped(value)}"' for name, value in said.items())
        seen[known] += 1
        found.append(known if seen[known] == 1 else f'{known},count="{seen[known]}"')
    return found


def _of_change(verdict: Verdict, name: str) -> float | None:
    value: float | None = getattr(verdict.change, name, None)
    return value


def _escaped(text: str) -> str:
    """As both read it: GitLab cuts a line off at a number sign, wherever it stands."""
    text = visible(text).replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return text.replace("#", "%23")
