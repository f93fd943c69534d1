"""Budget + estimate -> verdict, and the one builder of messages."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

from pytest_diversity.config import Budget, Change
from pytest_diversity.estimate import Estimate
from pytest_diversity.stats import Mean, smallest_detectable

__all__ = ["CONFIDENCE", "Comparison", "Status", "Verdict", "judge", "number"]

CONFIDENCE = 0.95
_HEADLINE = 60  # pytest's short summary cuts a line off about there
_REFERENCE = 16  # characters of the reference's name in it
_FEWEST_PROMPTS = 6  # below, the exact sign-flip test cannot reach 5 %
Status = Literal["pass", "fail", "unclear", "undefined"]
_WORST_FIRST: tuple[Status, ...] = ("undefined", "fail", "unclear", "pass")


@dataclass(frozen=True, slots=True)
class Comparison:
    """Both sides of a paired comparison, each prompt with as many samples as on the other side."""

    name: str
    before: Estimate
    after: Estimate


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of one budget; plain values, so that it can cross process borders.

    Attributes:
        status: `pass`; `fail`: the one-sided bound lies on the wrong side of the budget; `unclear`:
            the estimate misses it, the bound does not; `undefined`: nothing to compare.
        headline: Everything in at most 60 characters.
        details: The lines under it: interval, reference, size, evidence.
        notes: What must be said even when it passed, for example that it could hardly have failed.
        checkpoint: The checkpoint under test, empty for samples at hand.
        domain: The domain's name.
        family: The family of the metric.
        metric: Its canonical name.
        value: The estimate, None if undefined.
        low: Lower end of its two-sided 95 % interval.
        high: Upper end.
        budget: The bounds, readable.
        level: `error`, `warn` or `off`.
        prompts: How many prompts were compared.
        samples: Samples per prompt, readable.
    """

    status: Status
    headline: str
    details: tuple[str, ...]
    notes: tuple[str, ...]
    checkpoint: str
    domain: str
    family: str
    metric: str
    value: float | None
    low: float | None
    high: float | None
    budget: str
    level: str
    prompts: int
    samples: str

    @property
    def message(self) -> str:
        """The headline and what stands under it."""
        return "\n".join([self.headline, *(f"  {line}" for line in self.details)])

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class _Check:
    """One bound of a budget, compared."""

    status: Status
    text: str
    detail: str
    notes: tuple[str, ...] = ()


def judge(
    estimate: Estimate,
    family: str,
    budget: Budget,
    *,
    checkpoint: str = "",
    reference: Comparison | None = None,
    evidence: Callable[[], Sequence[str]] = list,
) -> Verdict:
    """Compare `estimate` with every bound of `budget`; the worst outcome counts.

    Args:
        estimate: Of the checkpoint under test.
        family: The family that the budget is for.
        budget: Its bounds.
        checkpoint: Name of the checkpoint under test.
        reference: What `max_drop` and `max_rise` are measured against.
        evidence: Lines that show why; asked for only when the budget is missed.
    """
    own = budget.compares and bool(checkpoint) and budget.reference == checkpoint
    if own:  # the reference itself keeps its level budgets; its changes would all be 0
        budget = replace(budget, max_drop=None, max_rise=None)
    checks = list(_checks(estimate, budget, reference))
    statuses = [check.status for check in checks]
    status: Status = min(statuses, key=_WORST_FIRST.index) if statuses else "pass"
    worst = [check for check in checks if check.status == status]
    text = worst[0].text if worst else number(estimate.value)
    missed = status != "pass"
    details = [check.detail for check in checks if check.detail]
    details += _facts(estimate, reference)
    return Verdict(
        status=status,
        headline=_headline(estimate.domain, f"{family} {text}", checkpoint),
        details=(*details, *(evidence() if missed and estimate.value is not None else ())),
        notes=tuple(dict.fromkeys(_notes(estimate, checks))),
        checkpoint=checkpoint,
        domain=estimate.domain,
        family=family,
        metric=str(estimate.metric),
        value=estimate.value,
        low=estimate.low,
        high=estimate.high,
        budget=_describe(budget) or ("the reference" if own else ""),
        level=budget.level,
        prompts=len(estimate.per_prompt),
        samples=_samples(estimate),
    )


def number(value: float | None) -> str:
    """Three significant digits."""
    if value is None:
        return "undefined"
    if abs(value) >= 1000:
        return f"{value:.0f}"
    return f"{value:#.3g}".rstrip(".") if value else "0.000"


def _checks(estimate: Estimate, budget: Budget, reference: Comparison | None) -> Iterable[_Check]:
    if estimate.value is None:
        yield _Check("undefined", "undefined", estimate.reason or "")
        return
    mean = Mean.of(list(estimate.per_prompt.values()))
    if budget.min is not None:
        yield _level(mean, budget.min, lower=True)
    if budget.max is not None:
        yield _level(mean, budget.max, lower=False)
    if budget.worst_group_min is not None:
        yield _worst_group(estimate, budget.worst_group_min)
    for change, drop in ((budget.max_drop, True), (budget.max_rise, False)):
        if change is not None:
            yield _paired(change, reference, drop=drop)


def _level(mean: Mean, bound: float, *, lower: bool, confidence: float = CONFIDENCE) -> _Check:
    """A level budget: the mean must not lie on the wrong side with confidence."""
    sign = 1 if lower else -1
    far = mean.upper(confidence) if lower else mean.lower(confidence)
    status = _status(missed=sign * (mean.value - bound) < 0, surely=sign * (far - bound) < 0)
    relation = {("pass", True): ">=", ("pass", False): "<="}.get(
        (status, lower), "<" if lower else ">"
    )
    text = f"{number(mean.value)} {relation} {number(bound)}"
    which = "upper" if lower else "lower"
    detail = f"one-sided {confidence * 100:.3g} % {which} bound {number(far)}: {_MEANING[status]}"
    return _Check(status, text, detail)


def _worst_group(estimate: Estimate, bound: float) -> _Check:
    """The lowest group's level; its bound is wider, for it was chosen among all groups."""
    if not estimate.groups:
        return _Check("undefined", "worst group undefined", "no prompt has a group")
    group = min(estimate.groups, key=lambda name: estimate.groups[name])
    members = [estimate.per_prompt[p] for p, own in estimate.group_of.items() if own == group]
    confidence = 1 - (1 - CONFIDENCE) / len(estimate.groups)
    check = _level(Mean.of(members), bound, lower=True, confidence=confidence)
    detail = f"lowest group {group!r}, {_prompts(len(members))}: {check.detail}"
    return _Check(check.status, f"worst group {check.text}", detail)


def _paired(change: Change, reference: Comparison | None, *, drop: bool) -> _Check:
    """A change budget: paired by prompt, in the direction of the metric.

    A relative budget is the contrast (1 - share) * reference - candidate, so that the uncertainty
    of the reference is part of it.
    """
    pairs = _pairs(reference) if reference else []
    if reference is None or not pairs:
        name = _shorten(reference.name, _REFERENCE) if reference else "none"
        return _Check("undefined", f"undefined vs {name}", _unpaired(reference))
    sign = 1 if (reference.after.metric.definition.better == "up") == drop else -1
    losses = [sign * (before - after) for before, after in pairs]
    allowed = [
        change.amount * abs(before) if change.relative else change.amount for before, _ in pairs
    ]
    excess = Mean.of([loss - free for loss, free in zip(losses, allowed, strict=True)])
    status = _status(missed=excess.value > 0, surely=excess.lower(CONFIDENCE) > 0)
    loss, base = Mean.of(losses), Mean.of([before for before, _ in pairs]).value
    word, relation = "drop" if drop else "rise", ">" if excess.value > 0 else "<="
    text = f"{word} {_change(loss.value, base, change)} {relation} {change}"
    detail = f"{_paired_detail(word, loss, base, reference.name)}: {_MEANING[status]}"
    return _Check(status, text, detail, _power(loss, Mean.of(allowed).value))


def _pairs(reference: Comparison) -> list[tuple[float, float]]:
    """(before, after) of each prompt that is defined on both sides."""
    after = reference.after.per_prompt
    return [(b, after[p]) for p, b in reference.before.per_prompt.items() if p in after]


def _unpaired(reference: Comparison | None) -> str:
    if reference is None:
        return "there is no reference to compare with"
    return reference.before.reason or "no prompt is defined on both sides"


def _status(*, missed: bool, surely: bool) -> Status:
    if not missed:
        return "pass"
    return "fail" if surely else "unclear"


_MEANING: Mapping[Status, str] = {
    "pass": "within the budget",
    "fail": "beyond the budget",
    "unclear": "the estimate misses the budget, the bound does not; more prompts would tell",
    "undefined": "nothing to compare",
}


def _paired_detail(word: str, loss: Mean, base: float, reference: str) -> str:
    interval = loss.interval()
    span = f", 95 % interval [{number(interval[0])}, {number(interval[1])}]" if interval else ""
    return (
        f"paired {word} {number(loss.value)}{span} from {number(base)} ({reference}) "
        f"over {_prompts(loss.count)}"
    )


def _change(loss: float, base: float, change: Change) -> str:
    return f"{loss / base:.1%}" if change.relative and base else number(loss)


def _power(loss: Mean, allowed: float) -> tuple[str, ...]:
    """Say so when the budget is smaller than what these prompts can find."""
    if loss.error is None:
        return ()
    found = smallest_detectable(loss.error, loss.count)
    if found <= allowed or not allowed:
        return ()
    note = (
        f"finds a change of {number(found)} or more with 80 % power, the budget is "
        f"{number(allowed)}: more prompts would sharpen it"
    )
    return (note,)


def _facts(estimate: Estimate, reference: Comparison | None) -> list[str]:
    lines = []
    if estimate.low is not None:
        lines.append(
            f"{estimate.metric} {number(estimate.value)}, "
            f"95 % interval [{number(estimate.low)}, {number(estimate.high)}] over prompts"
        )
    lines.append(f"{_prompts(len(estimate.per_prompt))} x {_samples(estimate)} samples")
    if estimate.mean_tokens is not None:
        lines[-1] += f", mean length {number(estimate.mean_tokens)} tokens"
    if reference is not None and reference.before.mean_tokens is not None:
        lines[-1] += f" ({reference.name} {number(reference.before.mean_tokens)})"
    if estimate.worst_group is not None:
        group, value = estimate.worst_group
        lines.append(f"worst group {group} {number(value)}")
    if estimate.defined < 1:
        lines.append(f"defined for {estimate.defined:.0%} of the prompts")
    return lines


def _notes(estimate: Estimate, checks: Iterable[_Check]) -> Iterable[str]:
    yield from estimate.notes
    if estimate.value is None:
        yield estimate.reason or ""
        return
    count = len(estimate.per_prompt)
    if count < _FEWEST_PROMPTS:
        yield f"only {_prompts(count)}: this gate can hardly fail; use 6 or more"
    for check in checks:
        yield from check.notes


def _prompts(count: int) -> str:
    return f"{count} prompt{'s' * (count != 1)}"


def _samples(estimate: Estimate) -> str:
    fewest, most = estimate.samples_per_prompt
    return str(most) if fewest == most else f"{fewest}-{most}"


def _describe(budget: Budget) -> str:
    parts = [
        f">= {number(budget.min)}" if budget.min is not None else "",
        f"<= {number(budget.max)}" if budget.max is not None else "",
        f"worst group >= {number(budget.worst_group_min)}"
        if budget.worst_group_min is not None
        else "",
        f"drop <= {budget.max_drop}" if budget.max_drop is not None else "",
        f"rise <= {budget.max_rise}" if budget.max_rise is not None else "",
    ]
    text = ", ".join(part for part in parts if part)
    return f"{text} vs {budget.reference}" if budget.compares and budget.reference else text


def _headline(domain: str, finding: str, checkpoint: str) -> str:
    """One line: names are shortened where they must be, what was found never is."""
    if not checkpoint:
        return f"{_shorten(domain, _HEADLINE - len(finding) - 1)} {finding}"[:_HEADLINE]
    room = _HEADLINE - len(finding) - len("  ()")
    domain = _shorten(domain, max(room - len(checkpoint), room // 2))
    return f"{domain} {finding} ({_shorten(checkpoint, room - len(domain))})"[:_HEADLINE]


def _shorten(name: str, room: int) -> str:
    line = " ".join(name.split())
    return line if len(line) <= room else f"{line[: max(0, room - 1)]}…"
