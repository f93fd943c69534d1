"""From features to verdicts: references, recorded baselines, Holm over a checkpoint's bounds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING

from pytest_diversity.baselines.file import Profile
from pytest_diversity.baselines.record import Baselines, Mode, folder, profile
from pytest_diversity.config.values import Budget, baseline_name
from pytest_diversity.errors import ConfigError
from pytest_diversity.estimate import Estimate, estimate
from pytest_diversity.features import Features
from pytest_diversity.gate.decide import (
    ALONE,
    ALPHA,
    Comparison,
    Others,
    Verdict,
    check_reachable,
    count_bounds,
    effective,
    judge,
    p_values,
)
from pytest_diversity.gate.holm import Multiplicity
from pytest_diversity.report.evidence import evidence
from pytest_diversity.samples import SampleSet
from pytest_diversity.statistics import sequential

if TYPE_CHECKING:  # the session holds its judge
    from pytest_diversity.session import Session

__all__ = ["Judge", "Reference", "cut_notes"]

Reference = Callable[[Features, Estimate], Comparison]


class Judge:
    """Judges budgets on the samples of a session."""

    def __init__(self, session: Session) -> None:
        """Judge nothing yet."""
        self._session = session

    @cached_property
    def baselines(self) -> Baselines:
        """What was recorded, and what this run records."""
        options = self._session.options
        mode: Mode = "all" if options.record else "new" if options.record_new else ""
        return Baselines(folder(self._session.config.path, self._session.root), mode)

    @cached_property
    def multiplicity(self) -> Multiplicity:
        """The bounds of each checkpoint, for Holm."""

        def at_hand(checkpoint: str, domain: str) -> bool:
            chosen = self._session.domain(domain)
            model = self._session.config.checkpoint(checkpoint)
            return self._session.sampler.at_hand(model, chosen, self._session.prompts(chosen))

        return Multiplicity(self._session.config, self._p_values, at_hand)

    def verdict(self, checkpoint: str, domain: str, family: str, budget: Budget) -> Verdict:
        """Judge a checkpoint's budget from the file, and note the verdict for the summary."""
        others = self.others(checkpoint, domain, family, budget)
        if self._in_steps(domain, family, budget, checkpoint):
            return self._note(self._stepwise(checkpoint, domain, family, budget, others))
        return self.of(
            self._session.features(checkpoint, domain),
            family,
            budget,
            checkpoint=checkpoint,
            reference=self.reference(checkpoint, domain, budget),
            others=others,
        )

    def of(
        self,
        features: Features,
        family: str,
        budget: Budget,
        *,
        checkpoint: str = "",
        reference: Reference | None = None,
        others: Others = ALONE,
    ) -> Verdict:
        """Judge a budget on features, and note the verdict for the summary."""
        metric = self._session.metric(features.domain, family, budget.metric)
        check_reachable(budget, metric)
        measured = estimate(features, metric)
        if self._record(checkpoint, features, measured):
            again = self._session.options.record
            if again or baseline_name(budget.reference, checkpoint) == checkpoint:
                budget, reference = _unless_recorded(budget, reference)
        verdict = judge(
            measured,
            family,
            budget,
            checkpoint=checkpoint,
            reference=reference(features, measured) if reference else None,
            evidence=lambda: evidence(features, measured),
            others=others,
        )
        return self._note(verdict)

    def _note(self, verdict: Verdict) -> Verdict:
        self._session.events.append({"kind": "verdict", **verdict.as_dict()})
        return verdict

    def _in_steps(self, domain: str, family: str, budget: Budget, checkpoint: str) -> bool:
        """Whether to look at few samples first.

        Not where values are recorded, or compared with recorded ones: these are of all samples. And
        not for a bound on the level of a metric whose value depends on the number of samples.
        """
        session, chosen = self._session, self._session.domain(domain)
        options = session.options
        if not (options.adaptive or chosen.adaptive) or options.record or options.record_new:
            return False
        metric = session.metric(chosen, family, budget.metric)
        level = budget.min is not None or budget.max is not None
        recorded = budget.compares and baseline_name(budget.reference, checkpoint) is not None
        return (
            count_bounds(budget, checkpoint) > 0
            and not recorded
            and not (level and not metric.definition.unbiased)
        )

    def _stepwise(
        self, checkpoint: str, domain: str, family: str, budget: Budget, others: Others
    ) -> Verdict:
        """Look at more and more samples of each prompt until the verdict is clear.

        Every look has its share of the error rate, and every bound of the checkpoint its share of
        that: Bonferroni in place of Holm, which would need all bounds at the same look.
        """
        most = self._session.domain(domain).samples_per_prompt
        looks = sequential.counts(most)
        shares = tuple(count / most for count in looks)
        total = count_bounds(budget, checkpoint) + others.count
        breaking = sequential.levels(ALPHA / total, shares)
        keeping = sequential.levels(ALPHA, shares)
        for count, broken, kept in zip(looks, breaking, keeping, strict=True):
            verdict = self._look(
                checkpoint, domain, family, budget, count=count, others=others, alpha=total * broken
            )
            if verdict.status == "fail" or (verdict.kept is not None and verdict.kept <= kept):
                break
        note = f"adaptive: decided at {count} of {most} samples a prompt"
        return replace(verdict, notes=(*verdict.notes, note))

    def _look(
        self,
        checkpoint: str,
        domain: str,
        family: str,
        budget: Budget,
        *,
        count: int,
        others: Others,
        alpha: float,
    ) -> Verdict:
        features = self._session.features(checkpoint, domain, count)
        metric = self._session.metric(features.domain, family, budget.metric)
        measured = estimate(features, metric)
        reference = self.reference(checkpoint, domain, budget, count)
        return judge(
            measured,
            family,
            budget,
            checkpoint=checkpoint,
            reference=reference(features, measured) if reference else None,
            evidence=lambda: evidence(features, measured),
            others=Others(others.count, lambda: [1.0] * others.count),
            alpha=alpha,
        )

    def others(self, checkpoint: str, domain: str, family: str, budget: Budget) -> Others:
        """The bounds beside those of a budget of the file; a test's own stand alone."""
        from_test = self._session.domain(domain).budgets.get(family) != budget
        if from_test or self._session.options.correction == "none":
            return ALONE
        return self.multiplicity.others(checkpoint, domain, family)

    def _p_values(
        self, checkpoint: str, domain: str, family: str, budget: Budget
    ) -> Sequence[float]:
        """The p-values of a budget's bounds."""
        features = self._session.features(checkpoint, domain)
        metric = self._session.metric(features.domain, family, budget.metric)
        measured = estimate(features, metric)
        reference = self.reference(checkpoint, domain, budget)
        compared = reference(features, measured) if reference else None
        return p_values(measured, effective(budget, checkpoint), compared)

    def reference(
        self, checkpoint: str, domain: str, budget: Budget, count: int | None = None
    ) -> Reference | None:
        """What a budget compares `checkpoint` with; None if with nothing.

        Args:
            checkpoint: Under test.
            domain: Its domain.
            budget: Which says what it is compared with.
            count: Samples of each prompt, if not all.
        """
        if not budget.compares or budget.reference == checkpoint:
            return None
        name = str(budget.reference)
        recorded = baseline_name(budget.reference, checkpoint)
        if recorded is not None:
            return lambda after, measured: self._recorded(recorded, after, measured)
        return self.against(name, self._session.features(name, domain, count))

    def against(self, name: str, before: Features) -> Reference:
        """A comparison with samples: both sides at equally many of each prompt."""

        def compare(after: Features, measured: Estimate) -> Comparison:
            kept, other = after.samples.matched(before.samples)
            if not len(kept):
                raise ConfigError(
                    f"domain {after.domain.name!r}: no prompt of the reference {name!r} is among "
                    "those of the checkpoint under test",
                    fix="sample both sides on the same prompts",
                )
            notes = cut_notes(name, before.samples, after.samples, kept)
            old, new = self._same(before, other), self._same(after, kept)
            metric = measured.metric
            return Comparison(name, estimate(old, metric), estimate(new, metric), notes)

        return compare

    def _recorded(self, name: str, after: Features, measured: Estimate) -> Comparison:
        if not name:
            raise ConfigError("a baseline of which checkpoint?", fix='reference="baseline:NAME"')
        self._use(name, after.domain.name, measured)
        now = self._profile(name, after, measured)
        return self.baselines.compare(name, after, measured, now)

    def _profile(self, checkpoint: str, features: Features, measured: Estimate) -> Profile:
        model = self._session.config.checkpoints.get(checkpoint)
        facts = self._session.facts(checkpoint, features.domain)
        return profile(model, features, measured, facts)

    def _use(self, checkpoint: str, domain: str, measured: Estimate) -> None:
        """Note that a test speaks of a baseline, so that it is not pruned."""
        self._session.events.append(
            {
                "kind": "used",
                "file": str(self.baselines.path(domain)),
                "checkpoint": checkpoint,
                "metric": str(measured.metric),
            }
        )

    def _record(self, checkpoint: str, features: Features, measured: Estimate) -> bool:
        """Note what is to be recorded; whether it is."""
        domain = features.domain.name
        if not checkpoint or measured.value is None:
            return False
        if not self.baselines.records(domain, checkpoint, measured.metric):
            return False
        self._use(checkpoint, domain, measured)
        self._session.events.append(
            {
                "kind": "profile",
                "file": str(self.baselines.path(domain)),
                "checkpoint": checkpoint,
                "profile": self._profile(checkpoint, features, measured).as_dict(),
            }
        )
        return True

    def _same(self, features: Features, samples: SampleSet) -> Features:
        """`features`, computed anew only if `samples` are fewer than its own."""
        if samples == features.samples:
            return features
        return self._session.features_of(samples, features.domain, features.prompts)


def _unless_recorded(
    budget: Budget, reference: Reference | None
) -> tuple[Budget, Reference | None]:
    """A budget without the comparison with what is being recorded."""
    if baseline_name(budget.reference, "") is None:
        return budget, reference
    return replace(budget, max_drop=None, max_rise=None), None


def cut_notes(
    name: str, before: SampleSet, after: SampleSet, compared: SampleSet
) -> tuple[str, ...]:
    """What a comparison leaves out: prompts of one side alone, samples beyond the other side's."""
    notes = []
    most = max(len(before), len(after))
    if len(compared) < most:
        notes.append(f"compared on the {len(compared)} of {most} prompts that {name} has too")
    if any(len(before[p]) != len(after[p]) for p in compared):
        sizes = sorted({len(group) for group in compared.values()})
        shown = f"{sizes[0]}-{sizes[-1]}" if len(sizes) > 1 else str(sizes[0])
        notes.append(f"compared at {shown} samples a prompt: {name} has another number of them")
    return tuple(notes)
