"""A section of a model card: what was measured, how, and the fingerprints of all that it rests on.

It stands between two comments, by which it is found and replaced when it is written again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from pytest_diversity.events import Judged
from pytest_diversity.report.markdown import escaped, rows
from pytest_diversity.report.run import RunReport, Subject
from pytest_diversity.report.table import cells

__all__ = ["write"]

_BEGIN, _END = "<!-- pytest-diversity: begin -->", "<!-- pytest-diversity: end -->"
_COLUMNS = ("checkpoint", "family", "metric", "value", "interval", "change", "spread")
_VERDICT = ("budget", "verdict", "size")


def write(report: RunReport) -> str:
    """Domain by domain, never across."""
    domains = list(dict.fromkeys(one.verdict.domain for one in report.judged))
    sections = (line for domain in domains for line in _domain(report, domain))
    when = report.time.strftime("%Y-%m-%d")
    said = f"Measured with pytest-diversity {report.version} on {when}."
    lines = [_BEGIN, "## Diversity", "", said, "", *sections, *_errors(report), _END, ""]
    return "\n".join(lines)


def _domain(report: RunReport, domain: str) -> Iterator[str]:
    judged = [one for one in report.judged if one.verdict.domain == domain]
    subjects = [one for one in report.subjects if one.domain == domain]
    yield from [f"### {escaped(domain)}", "", *rows(_verdicts(judged)), ""]
    if subjects:
        yield from ["How it was sampled:", "", *rows(_beside(subjects, _settings)), ""]
        yield from ["Fingerprints:", "", *rows(_beside(subjects, _fingerprints)), ""]


def _errors(report: RunReport) -> Iterator[str]:
    if report.broken:
        yield f"{len(report.broken)} gates have no verdict: their tests failed of something else."
        yield ""


def _verdicts(judged: Sequence[Judged]) -> list[Sequence[str]]:
    verdicts = [one.verdict for one in judged]
    table = {**cells(verdicts), "metric": ["metric", *(one.metric for one in verdicts)]}
    shown = [table[name] for name in (*_COLUMNS, *_VERDICT) if name in table]
    return list(zip(*shown, strict=True))


def _settings(subject: Subject) -> Mapping[str, object]:
    return {"source": subject.source, **subject.settings}


def _fingerprints(subject: Subject) -> Mapping[str, object]:
    return subject.fingerprints


def _beside(
    subjects: Sequence[Subject], read: Callable[[Subject], Mapping[str, object]]
) -> list[Sequence[str]]:
    """A row for each name, a column for each checkpoint."""
    found = [read(one) for one in subjects]
    names = dict.fromkeys(name for one in found for name in one)
    head = ("", *(one.checkpoint for one in subjects))
    return [head, *((name, *(_shown(one.get(name)) for one in found)) for name in names)]


def _shown(value: object) -> str:
    return "-" if value is None else str(value)
