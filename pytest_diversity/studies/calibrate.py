"""Level thresholds from data: a bound that a healthy checkpoint keeps in 99 of 100 runs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from scipy import special

from pytest_diversity.config.budget import Budget
from pytest_diversity.errors import ConfigError, MissingExtraError
from pytest_diversity.estimate import estimate
from pytest_diversity.files import check_writable, one_at_a_time, write_text
from pytest_diversity.metrics import Metric
from pytest_diversity.samples import Sample, SampleSet
from pytest_diversity.session import Session
from pytest_diversity.statistics.jackknife import jackknife_error
from pytest_diversity.studies.cases import Case, cases
from pytest_diversity.studies.thresholds import trade
from pytest_diversity.text import columns, number

__all__ = ["Proposal", "calibrate", "check_mode", "propose", "resampling_error"]

# Half of the 1 in 100 that is promised: values near an end of their scale are skewed, and their
# errors are largest just where the value is not (at worst over all rates, .007 were missed).
_MISSES = 0.005
_BY_HAND = "write the bounds by hand"


@dataclass(frozen=True, slots=True)
class Proposal:
    """A bound for one family of one domain.

    Attributes:
        domain: The domain.
        family: The family.
        checkpoint: The healthy checkpoint that it is from.
        value: Its value.
        error: By how much a value differs from run to run: a standard error over the samples.
        key: `min` or `max`, whichever the budget has; else what a loss of diversity breaks.
        bound: What to write under it.
        highest: The largest value of its metric.
    """

    domain: str
    family: str
    checkpoint: str
    value: float
    error: float
    key: str
    bound: float
    highest: float = math.inf

    @property
    def useful(self) -> bool:
        """Whether any value would miss it; with few samples none may."""
        return self.bound > 0 if self.key == "min" else self.bound < self.highest


def propose(
    value: float, error: float, count: float, *, up: bool = True, highest: float = math.inf
) -> float:
    """The bound that an unchanged re-sample misses in at most 1 of 100 runs, rounded outwards.

    What was measured is off by one error and so is the next run: together by sqrt(2) of it. Already
    an estimate beyond the bound counts as a miss, so that the rate holds with --diversity-strict.
    Where nothing varied, as when all samples are valid, the next run's still may: what two odd
    samples, or pairs of them, would change is added to the error.

    Args:
        value: The healthy checkpoint's.
        error: Standard error over samples, the prompts being the same in every run.
        count: How many samples, or pairs of samples, the value is a mean of.
        up: Whether more is better, which makes it a lower bound.
        highest: The largest value there is.
    """
    most = value if up or math.isinf(highest) else highest - value
    floor = 2 * abs(most) / count
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
    features = session.workspace.features_of(SampleSet(samples), case.features.domain, prompts)
    values: dict[str, list[float]] = {}
    for name, value in estimate(features, case.metric).per_prompt.items():
        values.setdefault(owners[name], []).append(value)
    errors = np.array([jackknife_error(one) for one in values.values()])
    return float(np.sqrt((errors**2).sum())) / max(1, len(errors))


def _without(group: Sequence[Sample], left: int, name: str) -> list[Sample]:
    return [replace(one, prompt=name) for i, one in enumerate(group) if i != left]


def check_mode(session: Session, mode: str) -> None:
    """Refuse what calibration cannot do, before anything is drawn.

    Raises:
        ConfigError: `mode` is neither `-` nor `write`, or the file cannot be written.
    """
    if mode not in {"-", "write"}:
        raise ConfigError(
            f"--diversity-calibrate={mode} is unknown",
            fix="write --diversity-calibrate alone, or =write",
        )
    if mode == "write" and session.config.path is not None:
        check_writable(session.config.path, ConfigError, fix=_BY_HAND)


def calibrate(session: Session, mode: str = "-") -> Sequence[str]:
    """Proposals for every budget of the first checkpoint under test; written with `write`.

    Raises:
        ConfigError: The file cannot be changed.
    """
    healthy = session.config.reference or session.config.selected[0]
    if healthy not in session.config.selected:
        healthy = session.config.selected[0]
    known = list(cases(session, idle=True))
    found = [
        _proposal(session, case)
        for case in known
        if case.gate.checkpoint == healthy and case.measured.value is not None
    ]
    rows = [(f"{p.domain} {p.family}", number(p.value), number(p.error), _shown(p)) for p in found]
    lines = columns([("budget", healthy, "error", "proposed"), *rows])
    if mode == "write" and session.config.path is not None:
        lines.append(_write(session.config.path, [one for one in found if one.useful]))
    promised = "an unchanged re-sample misses a proposed bound in at most 1 of 100 runs"
    return [*lines, promised, *trade(known, healthy)]


def _shown(proposal: Proposal) -> str:
    bound = f"{proposal.key} = {proposal.bound:g}"
    return bound if proposal.useful else "none: it varies too much, draw more samples"


def _proposal(session: Session, case: Case) -> Proposal:
    value, error = case.measured.value or 0.0, resampling_error(session, case)
    gate = case.gate
    up = _from_below(gate.budget, case.metric)
    key, highest = "min" if up else "max", case.metric.definition.highest
    bound = propose(value, error, _count(case, up=up), up=up, highest=highest)
    return Proposal(gate.domain, gate.family, gate.checkpoint, value, error, key, bound, highest)


def _from_below(budget: Budget, metric: Metric) -> bool:
    """Whether a lower bound is proposed: the side that a budget bounds, else that of a loss."""
    if (budget.min is None) == (budget.max is None):
        return metric.definition.better == "up"
    return budget.min is not None


def _count(case: Case, *, up: bool) -> float:
    """What a value is a mean of: the samples, or for metrics of diversity their pairs.

    Among samples that agree, one that does not differs from all of its prompt: in K - 1 of the
    K (K - 1) / 2 pairs.
    """
    sizes = [len(group) for group in case.features.samples.values()]
    if case.gate.family == "quality":
        return sum(sizes)
    if not up and case.metric.definition.better == "up":
        return sum(sizes) / 2
    return max(1, sum(size * (size - 1) // 2 for size in sizes))


def _write(path: Path, proposals: Sequence[Proposal]) -> str:
    """Change the bounds in the file and nothing else: comments and order stay.

    Raises:
        MissingExtraError: tomlkit is not installed.
        ConfigError: The file cannot be written.
    """
    try:
        import tomlkit  # noqa: PLC0415 - optional
    except ImportError:
        raise MissingExtraError(
            "writing diversity.toml", package="tomlkit", extra="calibrate"
        ) from None
    with one_at_a_time(path.resolve().parent):
        document: Any = tomlkit.parse(path.read_bytes().decode("utf-8-sig"))  # line ends as are
        for one in proposals:
            document["domains"][one.domain]["budget"][one.family][one.key] = one.bound
        write_text(path, tomlkit.dumps(document), ConfigError, fix=_BY_HAND)
    return f"written to {path.name}"
