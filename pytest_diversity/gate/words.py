"""Every sentence of a verdict: the headline, the lines under it, and the notes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from pytest_diversity.config.budget import Budget, Change
from pytest_diversity.estimate import Comparison, Estimate
from pytest_diversity.features.endings import Endings
from pytest_diversity.gate.bounds import ALPHA, Gate
from pytest_diversity.metrics import Metric
from pytest_diversity.statistics.mean import Mean
from pytest_diversity.statistics.paired import FEWEST, effect_size
from pytest_diversity.text import number, plural, shorten
from pytest_diversity.verdict import Status

__all__ = [
    "AS_WRITTEN",
    "CHANGE",
    "RECORDED_LENGTHS",
    "budget_of",
    "change_of",
    "describe",
    "endings",
    "equal_lengths",
    "few_prompts",
    "headline",
    "level_detail",
    "level_text",
    "no_equal_lengths",
    "outcome",
    "paired_detail",
    "paired_text",
    "samples",
    "scope",
    "unpaired",
    "unpaired_text",
    "weak",
]

CHANGE: Mapping[str, str] = {
    "max_drop": "drop",
    "max_rise": "rise",
    "max_quality_loss": "quality loss",
    "max_narrowing": "narrowing",
}
_HEADLINE = 60  # pytest's short summary cuts a line off about there
_REFERENCE = 16  # characters of the reference's name in it
_MEANING: Mapping[Status, str] = {
    "pass": "within the budget",
    "fail": "beyond the budget",
    "unclear": "the estimate misses the budget, the bound does not; more prompts would tell",
    "undefined": "nothing to compare",
}
AS_WRITTEN = "as written, whatever the lengths"
RECORDED_LENGTHS = "as written: a baseline keeps no texts to take at equal lengths"
_CUT = 0.2  # of the answers: above this share, what is cut decides how alike they look
_ALIKE = "what is cut looks alike"
_BY_CHANCE = "the estimate misses the budget; one bound in so many may do so by chance"


def headline(domain: str, finding: str, checkpoint: str) -> str:
    """One line: names are shortened where they must be, what was found never is."""
    if not checkpoint:
        return f"{shorten(domain, _HEADLINE - len(finding) - 1)} {finding}"[:_HEADLINE]
    room = _HEADLINE - len(finding) - len("  ()")
    domain = shorten(domain, max(room - len(checkpoint), room // 2))
    return f"{domain} {finding} ({shorten(checkpoint, room - len(domain))})"[:_HEADLINE]


def level_text(value: float, bound: float, *, lower: bool, missed: bool) -> str:
    """The comparison of a level, for the headline."""
    relation = ("<" if missed else ">=") if lower else (">" if missed else "<=")
    return f"{number(value)} {relation} {number(bound)}"


def level_detail(far: float, *, lower: bool, confidence: float) -> str:
    """The one-sided bound of a level."""
    which = "upper" if lower else "lower"
    return f"one-sided {confidence * 100:.3g} % {which} bound {number(far)}"


def paired_text(word: str, loss: float, base: float, change: Change, *, missed: bool) -> str:
    """The comparison of a change, for the headline."""
    shown = f"{loss / base:.1%}" if change.relative and base else number(loss)
    return f"{word} {shown} {'>' if missed else '<='} {change}"


def paired_detail(word: str, losses: Sequence[float], base: float, reference: Comparison) -> str:
    """A change with its interval, from what, over how many prompts, at which lengths."""
    loss, size = Mean.of(losses), effect_size(losses)
    interval = loss.interval()
    span = f", 95 % interval [{number(interval[0])}, {number(interval[1])}]" if interval else ""
    effect = f", d_z {number(size)}" if size is not None else ""
    lengths = f", {reference.lengths}" if reference.lengths else ""
    return (
        f"paired {word} {number(loss.value)}{span} from {number(base)} ({reference.name}) "
        f"over {plural(loss.count, 'prompt')}{effect}{lengths}"
    )


def equal_lengths(tokens: float) -> str:
    """To which length both sides were rarefied."""
    return f"at equal token counts ({number(tokens)} a text)"


def no_equal_lengths(metric: Metric) -> str:
    """That lengths are not controlled, since the metric cannot."""
    return f"as written: {metric} has no form at equal token counts"


def unpaired_text(reference: Comparison | None) -> str:
    """That there is no change to judge, for the headline."""
    name = shorten(reference.name, _REFERENCE) if reference else "none"
    return f"undefined vs {name}"


def unpaired(reference: Comparison | None) -> str:
    """Why there is no change to judge."""
    if reference is None:
        return "there is no reference to compare with"
    sides = (reference.before.reason, reference.after.reason)
    both = reference.before.per_prompt.keys() & reference.after.per_prompt.keys()
    unknown = "how many answers of the reference were valid is not known"
    if reference.after.metric.across:
        unknown = "a change across prompts is not told apart into quality and narrowing"
    return next(filter(None, sides), unknown if both else "no prompt is defined on both sides")


def change_of(name: str, change: Change, loss: float, base: float) -> str:
    """A change of a certain size, as in `a drop of 30.0%`."""
    relative = (change.relative or not change.amount) and base
    return f"a {CHANGE[name]} of {f'{loss / base:.0%}' if relative else number(loss)}"


def weak(change: str, estimate: Estimate, count: int, often: float, needed: int | None) -> str:
    """How seldom a change is found, how few answers count where quality does, and what helps."""
    size = f"{plural(count, 'prompt')} x {samples(estimate)} samples"
    quality = list(estimate.quality.values())
    valid = f", of whose pairs {Mean.of(quality).value:.1%} are both valid" if quality else ""
    helps = f"{needed} prompts would find it 80 times" if needed else "no number of prompts would"
    return f"{change} is found {100 * often:.0f} times in 100 by {size}{valid}; {helps}"


def few_prompts(count: int) -> str:
    """That there are too few prompts for any test to reject."""
    return f"only {plural(count, 'prompt')}: this gate can hardly fail; use {FEWEST} or more"


def outcome(detail: str, status: Status, p: float, adjusted: float, total: int) -> str:
    """The line of a bound with what became of it."""
    meaning = _BY_CHANCE if status == "unclear" and p <= ALPHA else _MEANING[status]
    corrected = f", {_p(adjusted)} after Holm over {total} bounds" if total > 1 else ""
    return f"{detail}, p {_p(p)}{corrected}: {meaning}"


def _p(value: float) -> str:
    return "< 0.0001" if value < 1e-4 else number(value)


def scope(estimate: Estimate, budget: Budget, reference: Comparison | None) -> list[str]:
    """What the verdict rests on: value and interval, size, lengths, groups, where it is defined."""
    lines = []
    if estimate.low is not None:
        lines.append(
            f"{estimate.metric} {number(estimate.value)}, "
            f"95 % interval [{number(estimate.low)}, {number(estimate.high)}] over prompts"
        )
    lines.append(f"{plural(len(estimate.per_prompt), 'prompt')} x {samples(estimate)} samples")
    if estimate.mean_tokens is not None:
        lines[-1] += f", mean length {number(estimate.mean_tokens)} tokens"
    if reference is not None and reference.before.mean_tokens is not None:
        lines[-1] += f" ({reference.name} {number(reference.before.mean_tokens)})"
    moves = estimate.metric.definition.in_windows  # with the length
    if estimate.mean_tokens is not None and budget.levels and moves:
        lines[-1] += ", which a level does not control"
    lines += _cut(estimate, reference)
    if reference is not None and reference.bar:
        lines.append(reference.bar)
    if estimate.worst_group is not None:
        group, value = estimate.worst_group
        lines.append(f"worst group {group} {number(value)}")
    if estimate.defined < 1:
        lines.append(f"defined for {estimate.defined:.0%} of the prompts")
    return lines


def endings(checkpoint: str, estimate: Estimate, reference: Comparison | None) -> Iterator[str]:
    """That many answers were cut, of either side."""
    sides = {checkpoint: estimate.endings, **_reference(reference)}
    cut = {name: side for name, side in sides.items() if side and side.share is not None}
    if any((side.share or 0) > _CUT for side in cut.values()):
        limits = {side.limit for side in cut.values() if side.cut}
        limit = f" = {limits.pop()}" if len(limits) == 1 and None not in limits else ""
        shares = [(f"{side.share:.0%}".replace("%", " %"), name) for name, side in cut.items()]
        yield f"{_named(shares)} were cut by max_tokens{limit}: " + _ALIKE


def _named(shares: Sequence[tuple[str, str]]) -> str:
    """As in `24 % of the answers (dpo) and 95 % (base)`."""
    named = [(share, f" ({name})" if name else "") for share, name in shares]
    first, *others = named
    return " and ".join([f"{first[0]} of the answers{first[1]}", *map("".join, others)])


def _reference(reference: Comparison | None) -> Mapping[str, Endings | None]:
    return {reference.name: reference.before.endings} if reference else {}


def _cut(estimate: Estimate, reference: Comparison | None) -> Iterator[str]:
    """The share of each side that was cut, where any was."""
    own, *others = [("", estimate.endings), *_reference(reference).items()]
    shown = [
        f"{side.share:.0%}" if not name else f"({name} {side.share:.0%})"
        for name, side in (own, *others)
        if side and side.share is not None
    ]
    if any(side and side.cut for _, side in (own, *others)):
        yield f"cut by max_tokens: {' '.join(shown)}"


def samples(estimate: Estimate) -> str:
    """K, or its range."""
    fewest, most = estimate.samples_per_prompt
    return str(most) if fewest == most else f"{fewest}-{most}"


def budget_of(gate: Gate) -> str:
    """The bounds of a gate that concern its checkpoint; empty where nothing is asked."""
    return describe(gate.applicable) or ("the reference" if gate.budget.compares else "")


def describe(budget: Budget) -> str:
    """The bounds of a budget."""
    levels = ((">=", budget.min), ("<=", budget.max), ("worst group >=", budget.worst_group_min))
    parts = [f"{relation} {number(bound)}" for relation, bound in levels if bound is not None]
    parts += [f"{CHANGE[name]} <= {bound}" for name, bound in budget.changes.items()]
    text = ", ".join(parts)
    return f"{text} vs {budget.reference}" if budget.compares and budget.reference else text
