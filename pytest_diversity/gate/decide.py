"""Budget + estimate -> verdict."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass

from pytest_diversity.config.budget import BOUNDS, CHANGES, Budget
from pytest_diversity.estimate import Comparison, Estimate
from pytest_diversity.gate import words
from pytest_diversity.gate.bounds import ALPHA, Gate
from pytest_diversity.gate.compare import Compared, compare, difference, pairs_of
from pytest_diversity.statistics.paired import FEWEST
from pytest_diversity.text import number
from pytest_diversity.verdict import Difference, Status, Verdict, split_line

__all__ = ["NO_OTHERS", "OtherBounds", "decide", "p_values"]

_WORST_FIRST: tuple[Status, ...] = ("undefined", "fail", "unclear", "pass")


@dataclass(frozen=True, slots=True)
class OtherBounds:
    """The other bounds of the checkpoint, which Holm's correction looks at too.

    Attributes:
        count: How many there are.
        p_values: Their p-values; asked for only where they can make a difference.
    """

    count: int
    p_values: Callable[[], Sequence[float]]

    @classmethod
    def unknown(cls, count: int) -> OtherBounds:
        """So many of which nothing is known: p-values of 1 make Holm milder, never stricter."""
        return cls(count, lambda: [1.0] * count)


NO_OTHERS = OtherBounds.unknown(0)


def decide(
    gate: Gate,
    estimate: Estimate,
    *,
    reference: Comparison | None = None,
    evidence: Callable[[bool], Sequence[str]] = lambda _: (),
    others: OtherBounds = NO_OTHERS,
    alpha: float = ALPHA,
) -> Verdict:
    """Compare `estimate` with every bound of the gate's budget; the worst outcome counts.

    Args:
        gate: The budget, and of which checkpoint, domain and family.
        estimate: Of the checkpoint under test.
        reference: What `max_drop` and `max_rise` are measured against.
        evidence: Lines that show why; asked for only when the budget is missed, and told whether
            the value is too high.
        others: The other bounds of the checkpoint, for Holm.
        alpha: The one-sided error rate of this look, over all bounds of the checkpoint.
    """
    budget = gate.applicable
    looks = _look(gate, estimate, reference, others, alpha)
    high = looks.worst.high if looks.worst else budget.max is not None
    missed = looks.status != "pass" and estimate.value is not None
    change = difference(reference) if reference else None
    split = {name: asdict(part) for name, part in reference.split.items()} if reference else {}
    details = [
        *looks.details(),
        *([split_line(split)] if split else []),
        *words.scope(estimate, budget, reference),
        *(evidence(high) if missed else ()),
    ]
    return Verdict(
        status=looks.status,
        headline=_headline(gate, estimate, looks.worst),
        details=tuple(dict.fromkeys(details)),
        notes=tuple(dict.fromkeys(_notes(gate, estimate, looks.found, reference))),
        checkpoint=gate.checkpoint,
        domain=estimate.domain,
        family=gate.family,
        metric=str(estimate.metric),
        value=estimate.value,
        low=estimate.low,
        high=estimate.high,
        budget=words.budget_of(gate),
        level=budget.level,
        prompts=len(estimate.per_prompt),
        samples=words.samples(estimate),
        p=looks.p,
        adjusted=looks.smallest_adjusted,
        bounds=looks.total,
        kept=max((one.kept for one in looks.found), default=None),
        split=split,
        bar=(reference.after if reference else estimate).bar,
        per_prompt={prompt: float(value) for prompt, value in estimate.per_prompt.items()},
        change=change,
        worst=_worst(estimate, change if budget.changes else None, high=high),
        mean_tokens=estimate.mean_tokens,
        limits=_limits(budget, change),
        label=gate.label,
        quality={prompt: float(value) for prompt, value in estimate.quality.items()},
    )


@dataclass(frozen=True, slots=True)
class _Looks:
    """The bounds of a budget as they are kept to.

    Attributes:
        found: How each compares.
        adjusted: Its p-value after Holm.
        statuses: What comes of it.
        total: Bounds of the checkpoint.
    """

    found: Sequence[Compared]
    adjusted: Sequence[float]
    statuses: Sequence[Status]
    total: int

    @property
    def status(self) -> Status:
        """The worst."""
        return min(self.statuses, key=_WORST_FIRST.index, default="pass")

    @property
    def worst(self) -> Compared | None:
        """The first bound with that status."""
        return self.found[self.statuses.index(self.status)] if self.found else None

    @property
    def p(self) -> float | None:
        """The smallest p-value; None where nothing was tested."""
        return min((one.p for one in self.found if one.p is not None), default=None)

    @property
    def smallest_adjusted(self) -> float | None:
        """The smallest after Holm; None where nothing was tested."""
        tested = zip(self.found, self.adjusted, strict=True)
        return min((p for one, p in tested if one.p is not None), default=None)

    def details(self) -> Iterator[str]:
        """The lines under the headline that tell of each bound."""
        for one, status, adjusted in zip(self.found, self.statuses, self.adjusted, strict=True):
            line = one.detail
            if one.p is not None:
                line = words.outcome(line, status, one.p, adjusted, self.total)
            yield from filter(None, (line, one.beside))


def _look(
    gate: Gate,
    estimate: Estimate,
    reference: Comparison | None,
    others: OtherBounds,
    alpha: float,
) -> _Looks:
    total = len(gate.bounds) + others.count
    found = list(compare(estimate, gate.applicable, reference, max(1, total)))
    adjusted = _adjusted(found, others, alpha)
    statuses = [one.status(p, alpha) for one, p in zip(found, adjusted, strict=True)]
    return _Looks(found, adjusted, statuses, total)


def _headline(gate: Gate, estimate: Estimate, worst: Compared | None) -> str:
    text = f"{gate.family} {worst.text if worst else number(estimate.value)}"
    return words.headline(estimate.domain, text, gate.checkpoint or gate.label)


def _limits(budget: Budget, change: Difference | None) -> dict[str, float]:
    """The bounds in the units of the metric; a relative one has some only beside a reference."""
    levels = {name: getattr(budget, name) for name in BOUNDS if name not in CHANGES}
    base = {True: abs(change.before) if change else None, False: 1.0}
    moves = {
        name: one.amount * scale
        for name, one in budget.changes.items()
        if (scale := base[one.relative]) is not None
    }
    return {**{name: one for name, one in levels.items() if one is not None}, **moves}


def _worst(estimate: Estimate, change: Difference | None, *, high: bool) -> str | None:
    values = change.per_prompt if change else estimate.per_prompt
    choose = max if high else min
    return choose(values, key=lambda prompt: values[prompt], default=None)


def p_values(gate: Gate, estimate: Estimate, reference: Comparison | None) -> list[float]:
    """The p-values of a gate's bounds, 1 where there is nothing to compare."""
    if estimate.value is None:
        return [1.0] * len(gate.bounds)
    return [one.known_p for one in compare(estimate, gate.applicable, reference, 1)]


def _adjusted(found: Sequence[Compared], others: OtherBounds, alpha: float) -> list[float]:
    """Holm's p-values; without looking at the others where they could change nothing.

    Where p times the number of bounds is small enough, Holm rejects whatever the others are; where
    p itself is too large, it never does. Between the two the others decide.
    """
    own = [one.known_p for one in found]
    total = len(own) + others.count
    if any(one.missed and p <= alpha < total * p for one, p in zip(found, own, strict=True)):
        from pytest_diversity.statistics.holm import holm  # noqa: PLC0415 - seldom in doubt

        return holm([*own, *others.p_values()])[: len(own)]
    return [min(1.0, total * p) for p in own]


def _notes(
    gate: Gate, estimate: Estimate, found: Sequence[Compared], reference: Comparison | None
) -> Iterator[str]:
    yield from estimate.notes
    yield from words.endings(gate.checkpoint, estimate, reference)
    yield from reference.notes if reference else ()
    if reference is not None and reference.bar and not any(one.missed for one in found):
        yield reference.bar  # a missed budget's details say it
    if estimate.value is None:
        yield estimate.reason or ""
        return
    pairs = len(pairs_of(reference)) if reference else len(estimate.per_prompt)
    if pairs < FEWEST:
        yield words.few_prompts(pairs)
    for one in found:
        yield from one.notes
