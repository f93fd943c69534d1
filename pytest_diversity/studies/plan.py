"""The power plan: what drop each gate finds, and what it would take to find its budget."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace

import numpy as np

from pytest_diversity.baselines.file import BaselineError
from pytest_diversity.config.budget import Change
from pytest_diversity.estimate import Comparison, estimate
from pytest_diversity.gate import words
from pytest_diversity.gate.compare import beyond, losses_of
from pytest_diversity.session import Session
from pytest_diversity.statistics.mean import Mean
from pytest_diversity.statistics.paired import FEWEST
from pytest_diversity.statistics.power import WANTED, power, prompts_needed, smallest_detectable
from pytest_diversity.studies.cases import Case, GateName, cases, halves, write_json
from pytest_diversity.text import columns, number

__all__ = ["Row", "plan", "row_of"]

_LEGEND = (
    "fails at: what fails the gate in 80 of 100 runs; found: how many of 100 runs find a loss of "
    "twice the budget (of 30 % where none is allowed); needs: what it takes for 80"
)

_HEAD = ("gate", "bound", "n x K", "spread", "fails at", "budget", "found", "needs", "from")


@dataclass(frozen=True, slots=True)
class Row:
    """What one bound can find.

    Attributes:
        gate: Which budget of which checkpoint.
        bound: As it was written.
        prompts: n.
        samples: K.
        spread: Standard deviation over prompts: of the paired differences, or of the values.
        finds: The smallest true loss, beyond what is allowed, found with 80 % power; None if no
            loss is, with too few prompts.
        fails_at: The true value, or for a change the true loss, that fails the gate so often.
        budget: What is allowed, in the metric's units; None for a bound on the level.
        loss: A true loss that the gate should find: twice the budget, or 30 % without one; None for
            a bound on the level, as the next three are.
        power: The probability that it is found.
        needs_prompts: Prompts, with as many samples, that find it with 80 % power.
        needs_samples: Samples a prompt that do, with the prompts there are; None if none would.
        alpha: The one-sided error rate that Holm leaves the bound.
        basis: Where the spread is from.
    """

    gate: GateName
    bound: str
    prompts: int
    samples: int
    spread: float
    finds: float | None
    fails_at: float | None
    budget: float | None
    loss: float | None
    power: float | None
    needs_prompts: int | None
    needs_samples: int | None
    alpha: float
    basis: str


def plan(session: Session, path: str = "-") -> Sequence[str]:
    """The plan of every budget as a table; as JSON in `path`."""
    found = [(row, weak) for case in cases(session) for row, weak in _rows(session, case)]
    lines = columns([_HEAD, *(_cells(row) for row, _ in found)])
    lines += write_json(path, [asdict(row) for row, _ in found])
    return [*lines, _LEGEND, *(f"{row.gate}: {weak}" for row, weak in found if weak)]


def _rows(session: Session, case: Case) -> list[tuple[Row, str]]:
    """The rows of a budget, each with a sentence where it finds too little."""
    if case.measured.value is None:
        return []
    rows, budget = [], case.gate.applicable
    for name, bound in (("min", budget.min), ("max", budget.max)):
        if bound is not None:
            values = list(case.measured.per_prompt.values())
            row = row_of(case, f"{name} {number(bound)}", values)
            fails_at = _level(case, bound, row.finds, lower=name == "min")
            rows.append((replace(row, fails_at=fails_at), ""))
    for name, change in budget.changes.items():
        rows.append(_change(session, case, name, change))
    return rows


def _level(case: Case, bound: float, finds: float | None, *, lower: bool) -> float | None:
    """The value that fails a bound on the level; None where it lies outside the metric's range."""
    if finds is None:
        return None
    value = bound - finds if lower else bound + finds
    return value if 0 <= value <= case.metric.definition.highest else None


def _change(session: Session, case: Case, name: str, change: Change) -> tuple[Row, str]:
    """From the differences to the reference; without one, from two halves of the samples."""
    noise, differences = _noise(session, case, name)
    basis = f"the differences to {case.gate.applicable.reference}"
    base = case.measured.value or 0.0
    try:
        reference = session.judge.reference(case.gate)
        compared = reference(case.features, case.measured) if reference else None
        excess, base = _excess(compared, name, change)
    except BaselineError:
        excess, basis = [d / math.sqrt(2) for d in differences], "two halves of the samples"
    allowed = change.amount * base if change.relative else change.amount
    far = beyond(allowed, base)
    row = row_of(
        case, f"{name} {change}", excess, allowed=allowed, far=far, noise=noise, basis=basis
    )
    if row.power is None or row.power >= WANTED or row.prompts < FEWEST:
        return row, ""
    loss = words.change_of(name, change, allowed + far, base)
    return row, words.weak(loss, case.measured, row.prompts, row.power, row.needs_prompts)


def _excess(compared: Comparison | None, name: str, change: Change) -> tuple[list[float], float]:
    """What each prompt lost beyond the budget, and the mean of the reference."""
    if compared is None or not (pairs := losses_of(compared, name)):
        raise BaselineError("nothing to compare with")
    share = change.amount if change.relative else 0.0
    befores = [abs(before) for before, _ in pairs]
    losses = [loss - share * abs(before) for before, loss in pairs]
    return losses, float(np.mean(befores))


def _noise(session: Session, case: Case, name: str) -> tuple[float, list[float]]:
    """The variance of a prompt's value from run to run, and the differences of two half runs.

    Of a bound on a part of the change, of that part.
    """
    parts = [part for part in halves(case.features.samples) if len(part)]
    domain, prompts = case.features.domain, case.features.prompts
    found = [
        estimate(session.workspace.features_of(part, domain, prompts), case.metric)
        for part in parts
    ]
    if not found:
        return 0.0, []
    one, other = found
    differences = [loss for _, loss in losses_of(Comparison("", one, other), name)]
    # Two halves of K / 2 differ by four times the variance of a value at K.
    return sum(d * d for d in differences) / 4 / max(1, len(differences)), differences


def row_of(
    case: Case,
    bound: str,
    values: Sequence[float],
    *,
    allowed: float | None = None,
    far: float | None = None,
    noise: float = 0.0,
    basis: str = "the samples",
) -> Row:
    """A row from what was seen of each prompt.

    Args:
        case: The budget.
        bound: The bound, readable.
        values: Of each prompt, what it lost beyond the budget, or its value.
        allowed: What the budget allows.
        far: How far beyond that lies a loss that should be found.
        noise: The variance of a prompt's value from run to run.
        basis: Where the values are from.
    """
    count, samples = len(values), case.measured.samples_per_prompt[1]
    spread = (Mean.of(values).error or 0.0) * math.sqrt(count) if count else 0.0
    finds = smallest_detectable(spread / math.sqrt(max(1, count)), count, alpha=case.alpha)
    return Row(
        gate=case.name,
        bound=bound,
        prompts=count,
        samples=samples,
        spread=spread,
        finds=finds if math.isfinite(finds) else None,
        fails_at=(allowed or 0.0) + finds if math.isfinite(finds) else None,
        budget=allowed,
        loss=(allowed or 0.0) + far if far else None,
        power=power(far, spread, count, alpha=case.alpha) if far else None,
        needs_prompts=prompts_needed(far, spread, alpha=case.alpha) if far else None,
        needs_samples=_samples(case, spread, noise, count, far) if far else None,
        alpha=case.alpha,
        basis=basis,
    )


def _samples(case: Case, spread: float, noise: float, count: int, far: float) -> int | None:
    """Samples a prompt at which the noise of both sides leaves a spread that is small enough."""
    if count < FEWEST:
        return None
    wanted = (far / smallest_detectable(1 / math.sqrt(count), count, alpha=case.alpha)) ** 2
    kept = max(0.0, spread**2 - 2 * noise)  # prompts differ in what they lost, whatever K is
    if wanted <= kept:
        return None
    return max(2, math.ceil(case.measured.samples_per_prompt[1] * 2 * noise / (wanted - kept)))


def _cells(row: Row) -> Sequence[str]:
    needs = [
        f"{row.needs_prompts} prompts" if row.needs_prompts else "",
        f"{row.needs_samples} samples" if row.needs_samples else "",
    ]
    return (
        str(row.gate),
        row.bound,
        f"{row.prompts} x {row.samples}",
        number(row.spread),
        "nothing" if row.fails_at is None else number(row.fails_at),
        "-" if row.budget is None else number(row.budget),
        "-" if row.power is None else f"{100 * row.power:.0f}",
        " or ".join(filter(None, needs)) or "-",
        row.basis,
    )
