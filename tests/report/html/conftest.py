"""Runs whose samples are at hand, with whatever names and texts a test wants."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from pytest_diversity.config.values import Domain
from pytest_diversity.domains.build import features_of
from pytest_diversity.events import Judged
from pytest_diversity.features import Features
from pytest_diversity.report.run import RunReport, Subject, by_trouble
from pytest_diversity.samples import Sample, SampleSet
from pytest_diversity.verdict import Difference, Verdict

_FAMILIES = {"syntactic": "pair_pos_distinct(n=4)", "effective": "effective_pairs()"}


def _verdict(checkpoint: str, domain: str, family: str, prompts: list[str]) -> Verdict:
    values = {prompt: 0.5 + i / 100 for i, prompt in enumerate(prompts)}
    moved = {prompt: -0.2 + i / 50 for i, prompt in enumerate(prompts)}
    part = {"loss": 0.1, "low": 0.05, "high": 0.15, "p": 0.01}
    effective = family == "effective"
    return Verdict(
        status="fail" if effective else "pass",
        headline=f"{domain} {family} drop 20% > 10% ({checkpoint})",
        details=(f"worst prompts: {prompts[0]}",),
        notes=(f"a note on {checkpoint}",),
        checkpoint=checkpoint,
        domain=domain,
        family=family,
        metric=_FAMILIES[family],
        value=0.5,
        low=0.4,
        high=0.6,
        budget=">= 0.300, drop <= 10% vs base",
        level="error",
        prompts=len(prompts),
        samples="4",
        per_prompt=values,
        change=Difference("base", 0.7, -0.2, -0.25, -0.15, moved, "as written", 30.0),
        split={"quality": part, "narrowing": part} if effective else {},
        limits={"min": 0.3, "max_drop": 0.07},
        quality=dict.fromkeys(values, 0.8) if effective else {},
    )


def _features(domain: str, prompts: list[str], texts: list[str]) -> Features:
    samples = SampleSet(
        Sample(prompt, index, text, domain=domain)
        for prompt in prompts
        for index, text in enumerate(texts)
    )
    valid = {prompt: [i > 0 for i in range(len(texts))] for prompt in prompts}
    labels = {prompt: [i // 2 for i in range(len(texts))] for prompt in prompts}
    given = {"valid": valid, "labels": labels}
    return features_of(samples, Domain(domain), given=given)


def made(
    checkpoint: str = "dpo",
    domain: str = "tales",
    prompt: str = "p1",
    texts: tuple[str, ...] = ("one", "two", "two", "three"),
    *,
    at_hand: bool = True,
) -> RunReport:
    """A run of one domain, in which every name and text can be chosen."""
    prompts = list(dict.fromkeys([prompt, "p2", "p3"]))
    features = _features(domain, prompts, list(texts)) if at_hand else None
    subject = Subject(
        config="",
        checkpoint=checkpoint,
        domain=domain,
        source=f"replay:{checkpoint}",
        prompts=len(prompts),
        samples=len(texts),
        settings={"system": prompt},
        fingerprints={"weights": "ab12"},
        features=lambda: features,
    )
    verdicts = [_verdict(checkpoint, domain, family, prompts) for family in _FAMILIES]
    return RunReport(
        judged=by_trouble(Judged(one, fails=one.status == "fail") for one in verdicts),
        broken=(),
        drawings=(),
        damages=(),
        said=(f"said of {checkpoint}",),
        subjects=(subject,),
        root=Path("/project"),
        exit_status=1,
        time=datetime(2026, 11, 27, 12, 30, tzinfo=UTC),
        version="0.1.0",
    )


@pytest.fixture(scope="session")
def run() -> Callable[..., RunReport]:
    """`made`, for tests."""
    return made
