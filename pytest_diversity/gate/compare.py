"""One bound compared with an estimate: how likely the truth lies on the wrong side."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import TypeAlias

from pytest_diversity.config.budget import Budget, Change
from pytest_diversity.estimate import Comparison, Estimate
from pytest_diversity.gate import words
from pytest_diversity.gate.bounds import ALPHA, CONFIDENCE
from pytest_diversity.statistics.mean import Mean
from pytest_diversity.statistics.paired import FEWEST, paired_p
from pytest_diversity.text import plural
from pytest_diversity.verdict import Difference, Status

__all__ = ["Compared", "beyond", "compare", "difference", "losses_of", "pairs_of"]

_TELLING = 0.3
Notes: TypeAlias = tuple[str, ...]
_PARTS = {"max_quality_loss": 0, "max_narrowing": 1}


@dataclass(frozen=True, slots=True)
class Compared:
    """One bound of a budget, compared.

    Attributes:
        missed: Whether the estimate lies on the wrong side.
        p: The one-sided p-value that the truth does, None where there is nothing to compare: small
            where the bound is surely broken.
        kept: The p-value of the other side: small where the bound is surely kept.
        text: The comparison, for the headline.
        detail: The line under it.
        high: Whether it is too high a value that breaks it.
        beside: A line under it that is no part of the verdict.
        notes: What must be said even when it passed.
    """

    missed: bool
    p: float | None
    kept: float
    text: str
    detail: str
    high: bool = False
    beside: str = ""
    notes: Notes = ()

    @property
    def known_p(self) -> float:
        """The p-value, 1 where there is nothing to compare."""
        return 1.0 if self.p is None else self.p

    def status(self, adjusted: float, alpha: float) -> Status:
        """The verdict on this bound."""
        if self.p is None:
            return "undefined"
        if not self.missed:
            return "pass"
        return "fail" if adjusted <= alpha else "unclear"


def compare(
    estimate: Estimate, budget: Budget, reference: Comparison | None, total: int
) -> Iterator[Compared]:
    """Every bound of `budget`; one that says why where the estimate is undefined.

    Args:
        estimate: Of the checkpoint under test.
        budget: As far as it concerns the checkpoint.
        reference: What changes are measured against.
        total: Over how many bounds of the checkpoint Holm goes.
    """
    if estimate.value is None:
        yield _nothing("undefined", estimate.reason or "")
        return
    mean = Mean.of(list(estimate.per_prompt.values()), bounded=_bounded(estimate))
    if budget.min is not None:
        yield _level(mean, budget.min, lower=True)
    if budget.max is not None:
        yield _level(mean, budget.max, lower=False)
    if budget.worst_group_min is not None:
        yield _worst_group(estimate, budget.worst_group_min)
    for name, change in budget.changes.items():
        yield _paired(name, change, reference, alpha=ALPHA / total)


def _level(mean: Mean, bound: float, *, lower: bool, confidence: float = CONFIDENCE) -> Compared:
    """A level budget: the mean must not lie on the wrong side with confidence."""
    far = mean.upper(confidence) if lower else mean.lower(confidence)
    missed = mean.value < bound if lower else mean.value > bound
    return Compared(
        missed=missed,
        p=mean.p_below(bound) if lower else mean.p_above(bound),
        kept=mean.p_above(bound) if lower else mean.p_below(bound),
        text=words.level_text(mean.value, bound, lower=lower, missed=missed),
        detail=words.level_detail(far, lower=lower, confidence=confidence),
        high=not lower,
    )


def _worst_group(estimate: Estimate, bound: float) -> Compared:
    """The lowest group's level; its p-values are multiplied, for it was chosen among all groups."""
    if not estimate.groups:
        return _nothing("worst group undefined", "no prompt has a group")
    group = min(estimate.groups, key=lambda name: estimate.groups[name])
    members = [estimate.per_prompt[p] for p, own in estimate.group_of.items() if own == group]
    count = len(estimate.groups)
    mean = Mean.of(members, bounded=_bounded(estimate))
    found = _level(mean, bound, lower=True, confidence=1 - ALPHA / count)
    return replace(
        found,
        p=min(1.0, count * found.known_p),
        kept=min(1.0, count * found.kept),
        text=f"worst group {found.text}",
        detail=f"lowest group {group!r}, {plural(len(members), 'prompt')}: {found.detail}",
    )


def _bounded(estimate: Estimate) -> bool:
    return estimate.metric.definition.highest == 1


def _nothing(text: str, detail: str) -> Compared:
    """A bound with nothing to compare."""
    return Compared(missed=True, p=None, kept=1.0, text=text, detail=detail)


def _paired(name: str, change: Change, reference: Comparison | None, *, alpha: float) -> Compared:
    """A change budget: paired by prompt, in the direction of the metric.

    A relative budget is the contrast (1 - share) * reference - candidate, so that the uncertainty
    of the reference is part of it.
    """
    pairs = losses_of(reference, name) if reference else []
    if reference is None or not pairs:
        return _nothing(words.unpaired_text(reference), words.unpaired(reference))
    falls, losses = _falls(reference, name), [loss for _, loss in pairs]
    allowed = [
        change.amount * abs(before) if change.relative else change.amount for before, _ in pairs
    ]
    excess = [loss - free for loss, free in zip(losses, allowed, strict=True)]
    missed = Mean.of(excess).value > 0
    base = Mean.of([before for before, _ in pairs]).value
    word, free = words.CHANGE[name], Mean.of(allowed).value
    far, after = beyond(free, base), reference.after
    say = partial(words.weak, words.change_of(name, change, free + far, base), after, len(pairs))
    p = paired_p(excess) if len(pairs) >= FEWEST else 1.0
    return Compared(
        missed=missed,
        p=p,
        kept=paired_p([-one for one in excess]) if len(pairs) >= FEWEST else 1.0,
        text=words.paired_text(word, Mean.of(losses).value, base, change, missed=missed),
        detail=words.paired_detail(word, losses, base, reference),
        beside=_as_written(reference.as_written, word, 1 if falls else -1),
        high=not falls,
        notes=() if p <= alpha else _weak(Mean.of(excess), far, alpha, say),
    )


def _as_written(written: Comparison | None, word: str, sign: int) -> str:
    """The change without control of lengths, where the verdict is on one with it."""
    pairs = pairs_of(written) if written else []
    if written is None or not pairs:
        return ""
    losses = [sign * (before - after) for before, after in pairs]
    base = Mean.of([before for before, _ in pairs]).value
    return f"{words.AS_WRITTEN}: {words.paired_detail(word, losses, base, written)}"


def losses_of(reference: Comparison, name: str) -> list[tuple[float, float]]:
    """(before, what it lost) of each prompt, as far as the bound `name` is about it."""
    if name in _PARTS:
        before = reference.before.per_prompt
        return [(before[p], part[_PARTS[name]]) for p, part in reference.parts.items()]
    sign = 1 if _falls(reference, name) else -1
    return [(before, sign * (before - after)) for before, after in pairs_of(reference)]


def _falls(reference: Comparison, name: str) -> bool:
    """Whether it is a falling value that breaks the bound `name`."""
    return (reference.after.metric.definition.better == "up") == (name != "max_rise")


def pairs_of(reference: Comparison) -> list[tuple[float, float]]:
    """(before, after) of each prompt that is defined on both sides."""
    after = reference.after.per_prompt
    return [(b, after[p]) for p, b in reference.before.per_prompt.items() if p in after]


def difference(reference: Comparison) -> Difference | None:
    """How far both sides are apart; None where no prompt is defined on both."""
    before, after = reference.before.per_prompt, reference.after.per_prompt
    changes = {p: float(after[p] - before[p]) for p in before if p in after}
    if not changes:
        return None
    mean = Mean.of(list(changes.values()))
    low, high = mean.interval() or (None, None)
    return Difference(
        reference=reference.name,
        before=Mean.of([before[p] for p in changes]).value,
        value=mean.value,
        low=low,
        high=high,
        per_prompt=changes,
        lengths=reference.lengths,
        mean_tokens=reference.before.mean_tokens,
    )


def beyond(allowed: float, base: float) -> float:
    """How far beyond what is allowed lies a loss that a gate should find.

    As far again: a gate that needs more than twice its budget to fail says little. Where nothing is
    allowed, 30 % of the reference.
    """
    return allowed or _TELLING * abs(base)


def _weak(
    excess: Mean, loss: float, alpha: float, say: Callable[[float, int | None], str]
) -> Notes:
    """Say so when a loss that the gate should find is found too seldom.

    Args:
        excess: What the prompts lost beyond the budget.
        loss: The true loss, as far as it is beyond the budget.
        alpha: The one-sided error rate that the bound has.
        say: The sentence, from the power and the prompts needed for more.
    """
    if excess.error is None or excess.count < FEWEST or not loss:
        return ()
    from pytest_diversity.statistics import power  # noqa: PLC0415 - where a change is judged

    spread = excess.error * math.sqrt(excess.count)
    often = power.power(loss, spread, excess.count, alpha=alpha)
    if often >= power.WANTED:
        return ()
    return (say(often, power.prompts_needed(loss, spread, alpha=alpha)),)
