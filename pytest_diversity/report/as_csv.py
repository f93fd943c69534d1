"""A run as CSV, a row for each verdict, for spreadsheets and data frames."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from unicodedata import normalize

from pytest_diversity.events import Broken, Judged
from pytest_diversity.report.run import RunReport
from pytest_diversity.text import visible

__all__ = ["write"]

_FORMULA = tuple("=+-@")  # at its beginning, also full-width, a spreadsheet takes a text for one
_FIELDS = (
    *("pytest_diversity", "time", "config", "test", "file", "line"),
    *("checkpoint", "label", "domain", "family", "metric", "status", "level", "fails"),
    *("value", "low", "high", "reference", "before", "change", "change_low", "change_high"),
    *("budget", "p", "adjusted", "prompts", "samples", "mean_tokens", "worst", "headline"),
)


def write(report: RunReport) -> str:
    """The worst first; a gate without a verdict has the status `error`."""
    text = io.StringIO()
    writer = csv.DictWriter(text, _FIELDS, lineterminator="\n")
    writer.writeheader()
    run = {
        "pytest_diversity": report.version,
        "time": report.time.isoformat(timespec="seconds"),
    }
    for row in [*map(_broken, report.broken), *map(_judged, report.judged)]:
        writer.writerow({name: _cell(value) for name, value in {**run, **row}.items()})
    return text.getvalue()


def _broken(error: Broken) -> Mapping[str, object]:
    place = {name: getattr(error, name) for name in ("test", "file", "line")}
    return {**place, "status": "error", "fails": True, "headline": error.message}


def _judged(judged: Judged) -> Mapping[str, object]:
    verdict, change = judged.verdict, judged.verdict.change
    found = {
        name: getattr(one, name)
        for one in (verdict, judged)
        for name in _FIELDS
        if name != "change" and hasattr(one, name)
    }
    if change is None:
        return found
    compared = {"reference": change.reference, "before": change.before, "change": change.value}
    return {**found, **compared, "change_low": change.low, "change_high": change.high}


def _cell(value: object) -> object:
    """A value; a text on one line, and never a formula."""
    if not isinstance(value, str):
        return str(value).lower() if isinstance(value, bool) else value
    text = " ".join(visible(value).split())
    return f"'{text}" if normalize("NFKC", text[:1]).startswith(_FORMULA) else text
