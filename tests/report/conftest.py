"""Runs that are over, made by hand."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from pytest_diversity.events import Broken, Drawn, Judged
from pytest_diversity.report.run import RunReport, Subject
from pytest_diversity.verdict import Difference, Verdict

CHANGE = Difference("base", 0.5, -0.1, -0.2, 0.05, {"p0": -0.3, "p1": 0.1}, "as written", 31.5)


def _verdict(**said: Any) -> Verdict:
    usual = {
        "status": "pass",
        "headline": "code lexical 0.400 >= 0.300 (dpo)",
        "details": ("because", "of this"),
        "notes": ("a note",),
        "checkpoint": "dpo",
        "domain": "code",
        "family": "lexical",
        "metric": "pair_distinct(n=4)",
        "value": 0.4,
        "low": 0.3,
        "high": 0.5,
        "budget": ">= 0.300, drop <= 20% vs base",
        "level": "error",
        "prompts": 2,
        "samples": "4",
        "p": 0.9,
        "adjusted": 1.0,
        "per_prompt": {"p0": 0.2, "p1": 0.6},
        "change": CHANGE,
        "worst": "p0",
        "mean_tokens": 30.0,
    }
    return Verdict(**{**usual, **said})


@pytest.fixture(scope="session")
def judged() -> Callable[..., Judged]:
    """A function that makes a verdict and says where it is from."""

    def make(*, fails: bool = False, test: str = "t.py::t", **said: Any) -> Judged:
        verdict = _verdict(**said)
        return Judged(verdict, "diversity.toml", fails, test, "diversity.toml", 3)

    return make


@pytest.fixture(scope="session")
def told() -> Callable[..., RunReport]:
    """A function that makes a run of verdicts; `name` is whatever a person or a model wrote."""

    def make(*verdicts: Judged, name: str = "dpo", broken: bool = False) -> RunReport:
        subject = Subject(
            config="diversity.toml",
            checkpoint=name,
            domain=name,
            source=f"replay:{name}.jsonl",
            prompts=2,
            samples=4,
            settings={"temperature": 1.0, "system": name, "stop": [name]},
            fingerprints={"weights": "ab12", "engine": name},
            features=lambda: None,
        )
        return RunReport(
            judged=verdicts,
            broken=(Broken("t.py::u", name, "t.py", 7),) if broken else (),
            drawings=(Drawn(name, name, 0, 8, replayed=True, prompts=2, count=4, most=4),),
            damages=(),
            said=(name,),
            subjects=(subject,),
            root=Path("/project"),
            exit_status=1 if broken or any(one.fails for one in verdicts) else 0,
            time=datetime(2026, 11, 27, 12, 30, tzinfo=UTC),
            version="0.1.0",
        )

    return make
