"""A run as JSON, for programs; `schema.json` beside this says what it holds."""

from __future__ import annotations

import json
import math
from dataclasses import asdict
from importlib.resources import files
from typing import Any

from pytest_diversity.events import Judged
from pytest_diversity.report.run import RunReport, Subject, trouble

__all__ = ["SCHEMA", "plain", "schema", "write"]

SCHEMA = 1


def schema() -> dict[str, Any]:
    """The JSON Schema of what `write` gives."""
    text = files("pytest_diversity.report").joinpath("schema.json").read_text(encoding="utf-8")
    found: dict[str, Any] = json.loads(text)
    return found


def write(report: RunReport) -> str:
    """The whole run, without the texts."""
    return json.dumps(plain(report), indent=2, allow_nan=False) + "\n"


def plain(report: RunReport) -> dict[str, Any]:
    """The same as plain values; numbers that JSON does not have are null."""
    found = {
        "generator": "pytest-diversity",
        "schema": SCHEMA,
        "version": report.version,
        "time": report.time.isoformat(timespec="seconds"),
        "passed": report.passed,
        "exit_status": report.exit_status,
        "verdicts": [_judged(one) for one in report.judged],
        "broken": [asdict(one) for one in report.broken],
        "subjects": [_subject(one) for one in report.subjects],
        "drawings": [asdict(one) for one in report.drawings],
        "damages": [asdict(one) for one in report.damages],
        "said": list(report.said),
    }
    sound: dict[str, Any] = _finite(found)
    return sound


def _judged(judged: Judged) -> dict[str, Any]:
    asked = asdict(judged)
    return {"trouble": trouble(judged), **asked.pop("verdict"), **asked}


def _subject(subject: Subject) -> dict[str, Any]:
    names = ("config", "checkpoint", "domain", "source", "prompts", "samples")
    said = {name: getattr(subject, name) for name in names}
    maps = {"settings": subject.settings, "fingerprints": subject.fingerprints}
    return {**said, **{name: dict(one) for name, one in maps.items()}}


def _finite(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, dict):
        return {key: _finite(one) for key, one in value.items()}
    return [_finite(one) for one in value] if isinstance(value, list | tuple) else value
