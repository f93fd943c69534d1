"""Budget + estimate -> verdict, and the one builder of messages."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

from pytest_diversity.config.values import BOUNDS, Budget, Change
from pytest_diversity.errors import ConfigError
from pytest_diversity.estimate import Estimate
from pytest_diversity.metrics import Metric
from pytest_diversity.statistics.mean import (
    FEWEST,
    Mean,
    effect_size,
    holm,
    paired_p,
    smallest_detectable,
)

__all__ = [
    "ALONE",
    "ALPHA",
    "CONFIDENCE",
    "Comparison",
    "Others",
    "Status",
    "Verdict",
    "check_reachable",
    "count_bounds",
    "effective",
    "judge",
    "number",
    "p_values",
    "pairs_of",
]

CONFIDENCE = 0.95
ALPHA = 1 - CONFIDENCE
_HEADLINE = 60  # pytest's short summary cuts a line off about there
_REFERENCE = 16  # characters of the reference's name in it
Status = Literal["pass", "fail", "unclear", "undefined"]
_WORST_FIRST: tuple[Status, ...] = ("undefined", "fail", "unclear", "pass")


@dataclass(frozen=True, slots=True)
class Comparison:
    """Both sides of a paired comparison, each prompt with as many samples as on the other side."""

    name: str
    before: Estimate
    after: Estimate
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Others:
    """The other bounds of the checkpoint, which Holm's correction looks at too.

    Attributes:
        count: How many there are.
        p_values: Their p-values; asked for only where they can make a difference.
    """

    count: int
    p_values: Callable[[], Sequence[float]]


ALONE = Others(0, list)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of one budget; plain values, so that it can cross process borders.

    Attributes:
        status: `pass`; `fail`: the one-sided bound lies on the wrong side of the budget, at the
            confidence that Holm leaves it; `unclear`: the estimate misses the budget, the bound
            does not; `undefined`: nothing to compare.
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
        p: The smallest one-sided p-value of its bounds, None if undefined.
        adjusted: The same after Holm, or an upper limit of it where that decided already.
        bounds: Over how many bounds of the checkpoint Holm went.
        kept: The largest p-value of the other side: small where all bounds are surely kept.
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
    p: float | None = None
    adjusted: float | None = None
    bounds: int = 1
    kept: float | None = None

    @property
    def message(self) -> str:
        """The headline and what stands under it."""
        return "\n".join([self.headline, *(f"  {line}" for line in self.details)])

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class _Check:
    """One bound of a budget, compared.

    Attributes:
        missed: Whether the estimate lies on the wrong side.
        p: The one-sided p-value that the truth does, None where there is nothing to compare: small
            where the bound is surely broken.
        kept: The p-value of the other side: small where the bound is surely kept.
        text: The comparison, for the headline.
        detail: The line under it.
        notes: What must be said even when it passed.
    """

    missed: bool
    p: float | None
    kept: float
    text: str
    detail: str
    notes: tuple[str, ...] = ()

    def status(self, adjusted: float, alpha: float) -> Status:
        """The verdict on this bound."""
        if self.p is None:
            return "undefined"
        if not self.missed:
            return "pass"
        return "fail" if adjusted <= alpha else "unclear"


def judge(
    estimate: Estimate,
    family: str,
    budget: Budget,
    *,
    checkpoint: str = "",
    reference: Comparison | None = None,
    evidence: Callable[[], Sequence[str]] = list,
    others: Others = ALONE,
    alpha: float = ALPHA,
) -> Verdict:
    """Compare `estimate` with every bound of `budget`; the worst outcome counts.

    Args:
        estimate: Of the checkpoint under test.
        family: The family that the budget is for.
        budget: Its bounds.
        checkpoint: Name of the checkpoint under test.
        reference: What `max_drop` and `max_rise` are measured against.
        evidence: Lines that show why; asked for only when the budget is missed.
        others: The other bounds of the checkpoint, for Holm.
        alpha: The one-sided error rate of this look, over all bounds of the checkpoint.
    """
    asked, budget = budget, effective(budget, checkpoint)
    total = len(_bounds(budget)) + others.count
    checks = list(_checks(estimate, budget, reference, max(1, total)))
    adjusted = _adjusted(checks, others, alpha)
    statuses = [check.status(p, alpha) for check, p in zip(checks, adjusted, strict=True)]
    status: Status = min(statuses, key=_WORST_FIRST.index) if statuses else "pass"
    text = checks[statuses.index(status)].text if checks else number(estimate.value)
    details = [
        _explained(check, statuses[i], adjusted[i], total)
        for i, check in enumerate(checks)
        if check.detail
    ]
    details += _facts(estimate, reference)
    if status != "pass" and estimate.value is not None:
        details += evidence()
    tested = [i for i, check in enumerate(checks) if check.p is not None]
    return Verdict(
        status=status,
        headline=_headline(estimate.domain, f"{family} {text}", checkpoint),
        details=tuple(dict.fromkeys(details)),
        notes=tuple(dict.fromkeys(_notes(estimate, checks, reference))),
        checkpoint=checkpoint,
        domain=estimate.domain,
        family=family,
        metric=str(estimate.metric),
        value=estimate.value,
        low=estimate.low,
        high=estimate.high,
        budget=_describe(budget) or ("the reference" if asked.compares else ""),
        level=budget.level,
        prompts=len(estimate.per_prompt),
        samples=_samples(estimate),
        p=min((checks[i].p or 0.0 for i in tested), default=None),
        adjusted=min((adjusted[i] for i in tested), default=None),
        bounds=total,
        kept=max((check.kept for check in checks), default=None),
    )


def p_values(estimate: Estimate, budget: Budget, reference: Comparison | None) -> list[float]:
    """The p-values of a budget's bounds, 1 where there is nothing to compare."""
    return [_known(check) for check in _checks(estimate, budget, reference, 1)]


def effective(budget: Budget, checkpoint: str) -> Budget:
    """What is left of a budget for `checkpoint`: the reference itself has no change to judge."""
    if checkpoint and budget.compares and budget.reference == checkpoint:
        return replace(budget, max_drop=None, max_rise=None)
    return budget


def check_reachable(budget: Budget, metric: Metric) -> None:
    """Refuse bounds that every value keeps or breaks, as 40 for 0.40.

    Raises:
        ConfigError: A bound lies beyond the largest value there is.
    """
    highest = metric.definition.highest
    changes = (("max_drop", budget.max_drop), ("max_rise", budget.max_rise))
    bounds = [("min", budget.min), ("max", budget.max), ("worst_group_min", budget.worst_group_min)]
    bounds += [(name, one.amount) for name, one in changes if one and not one.relative]
    for name, bound in bounds:
        if bound is not None and bound > highest:
            raise ConfigError(
                f"{name} {bound:g} is out of range: {metric} is at most {highest:g}",
                fix="write a share as 0.4",
            )


def count_bounds(budget: Budget, checkpoint: str) -> int:
    """How many bounds a budget puts on `checkpoint`."""
    return len(_bounds(effective(budget, checkpoint)))


def _bounds(budget: Budget) -> list[object]:
    return [bound for name in BOUNDS if (bound := getattr(budget, name)) is not None]


def _adjusted(checks: Sequence[_Check], others: Others, alpha: float) -> list[float]:
    """Holm's p-values; without looking at the others where they could change nothing.

    Where p times the number of bounds is small enough, Holm rejects whatever the others are; where
    p itself is too large, it never does. Between the two the others decide.
    """
    own = [_known(check) for check in checks]
    total = len(own) + others.count
    if any(c.missed and p <= alpha < total * p for c, p in zip(checks, own, strict=True)):
        return holm([*own, *others.p_values()])[: len(own)]
    return [min(1.0, total * p) for p in own]


def _known(check: _Check) -> float:
    return 1.0 if check.p is None else check.p


def _explained(check: _Check, status: Status, adjusted: float, total: int) -> str:
    """The line of a bound with what became of it."""
    if check.p is None:
        return check.detail
    meaning = _MEANING[status]
    if status == "unclear" and check.p <= ALPHA:
        meaning = "the estimate misses the budget; one bound in so many may do so by chance"
    corrected = f", {_shown(adjusted)} after Holm over {total} bounds" if total > 1 else ""
    return f"{check.detail}, p {_shown(check.p)}{corrected}: {meaning}"


def _shown(p: float) -> str:
    return "< 0.0001" if p < 1e-4 else number(p)


def number(value: float | None) -> str:
    """Three significant digits."""
    if value is None:
        return "undefined"
    if abs(value) >= 1000:
        return f"{value:.0f}"
    return f"{value:#.3g}".rstrip(".") if value else "0.000"


def _checks(
    estimate: Estimate, budget: Budget, reference: Comparison | None, total: int
) -> Iterable[_Check]:
    if estimate.value is None:
        for _ in _bounds(budget) or [None]:
            yield _nothing("undefined", estimate.reason or "")
        return
    mean = Mean.of(list(estimate.per_prompt.values()), bounded=_bounded(estimate))
    if budget.min is not None:
        yield _level(mean, budget.min, lower=True)
    if budget.max is not None:
        yield _level(mean, budget.max, lower=False)
    if budget.worst_group_min is not None:
        yield _worst_group(estimate, budget.worst_group_min)
    for change, drop in ((budget.max_drop, True), (budget.max_rise, False)):
        if change is not None:
            yield _paired(change, reference, drop=drop, alpha=ALPHA / total)


def _level(mean: Mean, bound: float, *, lower: bool, confidence: float = CONFIDENCE) -> _Check:
    """A level budget: the mean must not lie on the wrong side with confidence."""
    far = mean.upper(confidence) if lower else mean.lower(confidence)
    missed = mean.value < bound if lower else mean.value > bound
    relation = ("<" if missed else ">=") if lower else (">" if missed else "<=")
    which = "upper" if lower else "lower"
    return _Check(
        missed=missed,
        p=mean.p_below(bound) if lower else mean.p_above(bound),
        kept=mean.p_above(bound) if lower else mean.p_below(bound),
        text=f"{number(mean.value)} {relation} {number(bound)}",
        detail=f"one-sided {confidence * 100:.3g} % {which} bound {number(far)}",
    )


def _worst_group(estimate: Estimate, bound: float) -> _Check:
    """The lowest group's level; its p-values are multiplied, for it was chosen among all groups."""
    if not estimate.groups:
        return _nothing("worst group undefined", "no prompt has a group")
    group = min(estimate.groups, key=lambda name: estimate.groups[name])
    members = [estimate.per_prompt[p] for p, own in estimate.group_of.items() if own == group]
    count = len(estimate.groups)
    mean = Mean.of(members, bounded=_bounded(estimate))
    check = _level(mean, bound, lower=True, confidence=1 - ALPHA / count)
    return replace(
        check,
        p=min(1.0, count * (1.0 if check.p is None else check.p)),
        kept=min(1.0, count * check.kept),
        text=f"worst group {check.text}",
        detail=f"lowest group {group!r}, {_prompts(len(members))}: {check.detail}",
    )


def _bounded(estimate: Estimate) -> bool:
    return estimate.metric.definition.highest == 1


def _nothing(text: str, detail: str) -> _Check:
    """A bound with nothing to compare."""
    return _Check(missed=True, p=None, kept=1.0, text=text, detail=detail)


def _paired(change: Change, reference: Comparison | None, *, drop: bool, alpha: float) -> _Check:
    """A change budget: paired by prompt, in the direction of the metric.

    A relative budget is the contrast (1 - share) * reference - candidate, so that the uncertainty
    of the reference is part of it.
    """
    pairs = pairs_of(reference) if reference else []
    if reference is None or not pairs:
        name = _shorten(reference.name, _REFERENCE) if reference else "none"
        return _nothing(f"undefined vs {name}", _unpaired(reference))
    sign = 1 if (reference.after.metric.definition.better == "up") == drop else -1
    losses = [sign * (before - after) for before, after in pairs]
    allowed = [
        change.amount * abs(before) if change.relative else change.amount for before, _ in pairs
    ]
    excess = [loss - free for loss, free in zip(losses, allowed, strict=True)]
    missed = Mean.of(excess).value > 0
    base = Mean.of([before for before, _ in pairs]).value
    word = "drop" if drop else "rise"
    shown = _change(Mean.of(losses).value, base, change)
    return _Check(
        missed=missed,
        p=paired_p(excess) if len(pairs) >= FEWEST else 1.0,
        kept=paired_p([-one for one in excess]) if len(pairs) >= FEWEST else 1.0,
        text=f"{word} {shown} {'>' if missed else '<='} {change}",
        detail=_paired_detail(word, losses, base, reference.name),
        notes=_power(Mean.of(excess), Mean.of(allowed).value, alpha),
    )


def pairs_of(reference: Comparison) -> list[tuple[float, float]]:
    """(before, after) of each prompt that is defined on both sides."""
    after = reference.after.per_prompt
    return [(b, after[p]) for p, b in reference.before.per_prompt.items() if p in after]


def _unpaired(reference: Comparison | None) -> str:
    if reference is None:
        return "there is no reference to compare with"
    sides = (reference.before.reason, reference.after.reason)
    return next(filter(None, sides), "no prompt is defined on both sides")


_MEANING: Mapping[Status, str] = {
    "pass": "within the budget",
    "fail": "beyond the budget",
    "unclear": "the estimate misses the budget, the bound does not; more prompts would tell",
    "undefined": "nothing to compare",
}


def _paired_detail(word: str, losses: Sequence[float], base: float, reference: str) -> str:
    loss, size = Mean.of(losses), effect_size(losses)
    interval = loss.interval()
    span = f", 95 % interval [{number(interval[0])}, {number(interval[1])}]" if interval else ""
    effect = f", d_z {number(size)}" if size is not None else ""
    return (
        f"paired {word} {number(loss.value)}{span} from {number(base)} ({reference}) "
        f"over {_prompts(loss.count)}{effect}"
    )


def _change(loss: float, base: float, change: Change) -> str:
    return f"{loss / base:.1%}" if change.relative and base else number(loss)


def _power(excess: Mean, allowed: float, alpha: float) -> tuple[str, ...]:
    """Say so when the budget is smaller than what these prompts can find.

    From no change at all, a loss is found with 80 % power when it exceeds what is allowed by the
    smallest detectable change; a gate that needs twice its budget for that says little.
    """
    if excess.error is None or excess.count < FEWEST or not allowed:
        return ()
    found = smallest_detectable(excess.error, excess.count, alpha=alpha)
    if found <= allowed:
        return ()
    note = (
        f"finds a change of {number(found)} beyond the budget with 80 % power, the budget is "
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


def _notes(
    estimate: Estimate, checks: Iterable[_Check], reference: Comparison | None
) -> Iterable[str]:
    yield from estimate.notes
    yield from reference.notes if reference else ()
    if estimate.value is None:
        yield estimate.reason or ""
        return
    pairs = len(pairs_of(reference)) if reference else len(estimate.per_prompt)
    if pairs < FEWEST:
        yield f"only {_prompts(pairs)}: this gate can hardly fail; use {FEWEST} or more"
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
