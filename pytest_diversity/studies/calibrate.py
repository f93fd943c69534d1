"""Level thresholds from data: a `min` that a healthy checkpoint keeps in 99 of 100 runs."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from scipy import special

from pytest_diversity.errors import ConfigError
from pytest_diversity.estimate import estimate
from pytest_diversity.gate import number
from pytest_diversity.located import read_toml
from pytest_diversity.samples import Sample, SampleSet
from pytest_diversity.session import Session
from pytest_diversity.stats import jackknife_error
from pytest_diversity.studies.cases import Case, cases, columns

__all__ = ["Proposal", "calibrate", "propose", "resampling_error"]

# Half of the 1 in 100 that is promised: values near an end of their scale are skewed, and their
# errors are largest just where the value is not (at worst over all rates, .007 were missed).
_MISSES = 0.005


@dataclass(frozen=True, slots=True)
class Proposal:
    """A lower bound for one family of one domain.

    Attributes:
        domain: The domain.
        family: The family.
        checkpoint: The healthy checkpoint that it is from.
        value: Its value.
        error: By how much a value differs from run to run: a standard error over the samples.
        bound: What to write as `min`.
    """

    domain: str
    family: str
    checkpoint: str
    value: float
    error: float
    bound: float


def propose(value: float, error: float, samples: int, *, up: bool = True) -> float:
    """The bound that an unchanged re-sample misses in at most 1 of 100 runs, rounded outwards.

    What was measured is off by one error and so is the next run: together by sqrt(2) of it. Already
    an estimate beyond the bound counts as a miss, so that the rate holds with --diversity-strict.
    Where nothing varied, as when all samples are valid, the next run's still may: two of all
    samples more or less are added to the error.

    Args:
        value: The healthy checkpoint's.
        error: Standard error over samples, the prompts being the same in every run.
        samples: How many there were, over all prompts.
        up: Whether more is better, which makes it a lower bound.
    """
    floor = 2 * abs(value) / samples
    room = float(special.ndtri(1 - _MISSES)) * math.sqrt(2) * math.hypot(error, floor)
    step = 10.0 ** (math.floor(math.log10(abs(value))) - 2) if value else 1e-3
    if up:
        return round(math.floor((value - room) / step) * step, 12)
    return round(math.ceil((value + room) / step) * step, 12)


def resampling_error(session: Session, case: Case) -> float:
    """The standard error of the mean over these prompts when all samples are drawn anew.

    By the jackknife within each prompt: the metric with each sample left out once. Samples are
    never drawn again with replacement, for copies would look like a collapse.
    """
    samples, prompts, owners = [], {}, {}
    for prompt, group in case.features.samples.items():
        for left in range(len(group)):
            name = f"{prompt}\0{left}"
            owners[name] = prompt
            prompts[name] = case.features.prompt(prompt)
            samples += _without(group, left, name)
    features = session.features_of(SampleSet(samples), case.features.domain, prompts)
    values: dict[str, list[float]] = {}
    for name, value in estimate(features, case.metric).per_prompt.items():
        values.setdefault(owners[name], []).append(value)
    errors = np.array([jackknife_error(one) for one in values.values()])
    return float(np.sqrt((errors**2).sum())) / max(1, len(errors))


def _without(group: Sequence[Sample], left: int, name: str) -> list[Sample]:
    return [replace(one, prompt=name) for i, one in enumerate(group) if i != left]


def calibrate(session: Session, mode: str = "-") -> Sequence[str]:
    """Proposals for every budget of the first checkpoint under test; written with `write`.

    Raises:
        ConfigError: `mode` is neither, or the file cannot be changed.
    """
    if mode not in {"-", "write"}:
        raise ConfigError(f"--diversity-calibrate={mode} is unknown", fix="leave it, or =write")
    healthy = session.config.reference or session.config.selected[0]
    if healthy not in session.config.selected:
        healthy = session.config.selected[0]
    found = [
        _proposal(session, case)
        for case in cases(session)
        if case.checkpoint == healthy and case.measured.value is not None
    ]
    rows = [
        (f"{p.domain} {p.family}", number(p.value), number(p.error), f"min = {p.bound:g}")
        for p in found
    ]
    lines = columns([("budget", healthy, "error", "proposed"), *rows])
    if mode == "write" and session.config.path is not None:
        lines.append(_write(session.config.path, found))
    return [*lines, "an unchanged re-sample misses a proposed bound in at most 1 of 100 runs"]


def _proposal(session: Session, case: Case) -> Proposal:
    value, error = case.measured.value or 0.0, resampling_error(session, case)
    samples = sum(map(len, case.features.samples.values()))
    up = case.metric.definition.better == "up"
    bound = propose(value, error, samples, up=up)
    return Proposal(case.domain, case.family, case.checkpoint, value, error, bound)


def _write(path: Path, proposals: Sequence[Proposal]) -> str:
    """Change the bounds in the file and nothing else: comments and order stay."""
    text = path.read_text(encoding="utf-8")
    left = []
    for one in proposals:
        changed = _with_bound(text, one)
        if changed is None:
            left.append(f"{one.domain} {one.family}")
        else:
            text = changed
    path.write_text(text, encoding="utf-8")
    read_toml(path)
    missing = f"; to be written by hand: {', '.join(left)}" if left else ""
    return f"written to {path.name}{missing}"


def _with_bound(text: str, one: Proposal) -> str | None:
    """The file with a budget's bound changed, None where the budget is not an inline table."""
    head = re.compile(
        rf"""^\[domains\.["']?{re.escape(one.domain)}["']?\.budget\]\s*$""", re.MULTILINE
    )
    table = head.search(text)
    if table is None:
        return None
    end = re.compile(r"^\[", re.MULTILINE).search(text, table.end())
    stop = end.start() if end else len(text)
    line = re.compile(rf"^({re.escape(one.family)}\s*=\s*\{{)([^}}\n]*)(\}}.*)$", re.MULTILINE)
    entry = line.search(text, table.end(), stop)
    if entry is None:
        return None
    kept = [part.strip() for part in entry[2].split(",") if part.strip()]
    kept = [part for part in kept if not re.match(r"min\s*=", part)]
    inside = ", ".join([f"min = {one.bound:g}", *kept])
    return f"{text[: entry.start()]}{entry[1]} {inside} {entry[3]}{text[entry.end() :]}"
