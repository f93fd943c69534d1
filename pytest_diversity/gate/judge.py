"""From a gate to its verdict: samples, references, recorded baselines, Holm, looks in steps."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Literal, TypeAlias

from pytest_diversity.config.values import baseline_name
from pytest_diversity.domains.bar import as_recorded, same_bar
from pytest_diversity.domains.defaults import metric_of
from pytest_diversity.errors import ConfigError
from pytest_diversity.estimate import Comparison, Estimate, estimate
from pytest_diversity.events import BaselineRecorded, BaselineUsed, Judged
from pytest_diversity.features import Features
from pytest_diversity.gate import words
from pytest_diversity.gate.bounds import ALPHA, Gate, Key, check_reachable
from pytest_diversity.gate.decide import NO_OTHERS, OtherBounds, decide, p_values
from pytest_diversity.gate.holm import Multiplicity
from pytest_diversity.samples import SampleSet
from pytest_diversity.verdict import Verdict
from pytest_diversity.workspace import Workspace

if TYPE_CHECKING:  # most runs neither record nor compare with what was recorded
    from pytest_diversity.baselines.file import Profile
    from pytest_diversity.baselines.record import Baselines

__all__ = ["Evidence", "Judge", "Reference", "cut_notes"]

_OF_LENGTH = ("lexical", "syntactic")  # longer texts repeat more words and structures

Reference: TypeAlias = Callable[[Features, Estimate], Comparison]
Evidence: TypeAlias = Callable[[Features, Estimate, bool], Sequence[str]]


class Judge:
    """Judges gates on the samples of a workspace."""

    def __init__(self, workspace: Workspace, evidence: Callable[[], Evidence]) -> None:
        """Judge nothing yet.

        Args:
            workspace: Where samples, features and estimates are.
            evidence: Gives what shows why a value is what it is; asked where a budget is missed.
        """
        self._workspace = workspace
        self._evidence = evidence
        self._compared: dict[Key, tuple[Estimate, Comparison | None]] = {}  # of the file's gates

    @cached_property
    def baselines(self) -> Baselines:
        """What was recorded, and what this run records."""
        from pytest_diversity.baselines.record import Baselines, folder  # noqa: PLC0415 - as above

        options = self._workspace.options
        mode: Literal["", "new", "all"] = (
            "all" if options.record else "new" if options.record_new else ""
        )
        return Baselines(folder(self._workspace.config.path, self._workspace.root), mode)

    @property
    def records(self) -> bool:
        """Whether this run records baselines."""
        return self._workspace.options.record or self._workspace.options.record_new

    @cached_property
    def multiplicity(self) -> Multiplicity:
        """The bounds of each checkpoint, for Holm."""
        workspace = self._workspace
        return Multiplicity(workspace.config, self._p_values, workspace.at_hand)

    def judge(self, gate: Gate) -> Verdict:
        """Judge a gate on the samples of its checkpoint, and note the verdict for the summary."""
        others = self.others(gate)
        if self._in_steps(gate):
            from pytest_diversity.gate.steps import decide_in_steps  # noqa: PLC0415 - slow to load

            most = self._workspace.domain(gate.domain).samples_per_prompt

            def look(count: int, others: OtherBounds, alpha: float) -> Verdict:
                features = self._workspace.features(gate.checkpoint, gate.domain, count)
                measured, compared = self._numbers(gate, features, count)
                return self._decide(gate, features, measured, compared, others=others, alpha=alpha)

            return self._note(decide_in_steps(gate, others, most, look))
        features = self._workspace.features(gate.checkpoint, gate.domain)
        return self.judge_on(gate, features, self.reference(gate), others)

    def judge_on(
        self,
        gate: Gate,
        features: Features,
        reference: Reference | None = None,
        others: OtherBounds = NO_OTHERS,
    ) -> Verdict:
        """Judge a gate on features, note the verdict, and what is to be recorded of them."""
        measured = self._measure(gate, features)
        check_reachable(gate.budget, measured.metric)
        if self._record(gate.checkpoint, features, measured):
            recorded = baseline_name(gate.budget.reference, gate.checkpoint)
            again = self._workspace.options.record and recorded is not None
            if again or recorded == gate.checkpoint:  # compared with what is being recorded
                gate, reference = gate.without_changes(), None
        compared = reference(features, measured) if reference else None
        if others is not NO_OTHERS and not self.records:
            self._compared[gate.key] = measured, compared
        return self._note(self._decide(gate, features, measured, compared, others=others))

    def _measure(self, gate: Gate, features: Features) -> Estimate:
        metric = metric_of(features.domain, gate.family, gate.budget.metric)
        return estimate(features, metric)

    def _numbers(
        self, gate: Gate, features: Features, count: int | None = None
    ) -> tuple[Estimate, Comparison | None]:
        """What a gate rests on: its estimate, and that beside its reference where it has one."""
        measured, reference = self._measure(gate, features), self.reference(gate, count)
        return measured, reference(features, measured) if reference else None

    def _decide(
        self,
        gate: Gate,
        features: Features,
        measured: Estimate,
        compared: Comparison | None,
        *,
        others: OtherBounds,
        alpha: float = ALPHA,
    ) -> Verdict:
        verdict = decide(
            gate,
            measured,
            reference=compared,
            evidence=lambda high: self._evidence()(features, measured, high),
            others=others,
            alpha=alpha,
        )
        model = self._workspace.config.checkpoints.get(gate.checkpoint)
        return replace(verdict, run=model.run, step=model.step) if model else verdict

    def _note(self, verdict: Verdict) -> Verdict:
        fails = verdict.fails(strict=self._workspace.options.strict)
        self._workspace.events.append(Judged(verdict, fails=fails))
        return verdict

    def _in_steps(self, gate: Gate) -> bool:
        """Whether to look at few samples first.

        Not where values are recorded, or compared with recorded ones: these are of all samples. And
        not for a bound on the level of a metric whose value depends on the number of samples.
        """
        workspace, budget = self._workspace, gate.budget
        chosen = workspace.domain(gate.domain)
        if not chosen.adaptive or self.records:
            return False
        metric = metric_of(chosen, gate.family, budget.metric)
        level = budget.min is not None or budget.max is not None
        recorded = budget.compares and baseline_name(budget.reference, gate.checkpoint) is not None
        return bool(gate.bounds) and not recorded and not (level and not metric.definition.unbiased)

    def others(self, gate: Gate) -> OtherBounds:
        """The bounds beside those of a gate of the file; a test's own budget stands alone."""
        from_test = self._workspace.domain(gate.domain).budgets.get(gate.family) != gate.budget
        if from_test or self._workspace.options.correction == "none":
            return NO_OTHERS
        return self.multiplicity.others(gate)

    def _p_values(self, gate: Gate) -> Sequence[float]:
        """Those of a gate that was judged are of the same numbers; its samples are gone by now."""
        if gate.key not in self._compared:
            self._workspace.release(gate.checkpoint, gate.domain)
            features = self._workspace.features(gate.checkpoint, gate.domain)
            self._compared[gate.key] = self._numbers(gate, features)
        return p_values(gate, *self._compared[gate.key])

    def reference(self, gate: Gate, count: int | None = None) -> Reference | None:
        """What a gate compares its checkpoint with; None if with nothing.

        Args:
            gate: Whose budget says it.
            count: Samples of each prompt, if not all.
        """
        if not gate.applicable.compares:
            return None
        name = str(gate.budget.reference)
        recorded = baseline_name(name, gate.checkpoint)
        if recorded is not None:
            return lambda after, measured: self._recorded(recorded, after, measured)
        return self.against(gate, self._workspace.features(name, gate.domain, count))

    def against(self, gate: Gate, before: Features) -> Reference:
        """A comparison with samples: both sides at equally many of each prompt."""
        name = str(gate.budget.reference)

        def compare(after: Features, measured: Estimate) -> Comparison:
            kept, other = after.samples.matched(before.samples)
            if not len(kept):
                raise ConfigError(
                    f"domain {after.domain.name!r}: no prompt of the reference {name!r} is among "
                    "those of the checkpoint under test",
                    fix="sample both sides on the same prompts",
                )
            notes = (*before.notes, *cut_notes(name, before.samples, after.samples, kept))
            old, new = self._same(before, other), self._same(after, kept)
            metric = measured.metric
            old, new, bar = same_bar(metric, old, new, (name, gate.checkpoint or "these"))
            sides = estimate(old, metric), estimate(new, metric)
            written = Comparison(name, *sides, notes, bar)
            control = gate.budget.length_control or after.domain.length_control
            return _at_equal_lengths(written, control, old, new)

        return compare

    def _recorded(self, name: str, after: Features, measured: Estimate) -> Comparison:
        if not name:
            raise ConfigError("a baseline of which checkpoint?", fix='reference="baseline:NAME"')
        self._use(name, after.domain.name, measured)
        quality = after.domain.quality
        if quality is not None and quality.percentile is not None:
            bar = self.baselines.bar(name, after.domain.name, measured.metric)
            after = after.judged_by(as_recorded(quality, bar))
            measured = estimate(after, measured.metric)
        now = self._profile(name, after, measured)
        found = self.baselines.compare(name, after, measured, now)
        moves = measured.metric.definition.in_windows  # with the length
        return replace(found, lengths=words.RECORDED_LENGTHS) if moves else found

    def _profile(self, checkpoint: str, features: Features, measured: Estimate) -> Profile:
        from pytest_diversity.baselines.record import profile  # noqa: PLC0415 - as above

        model = self._workspace.config.checkpoints.get(checkpoint)
        provenance = self._workspace.provenance(checkpoint, features.domain)
        return profile(model, features, measured, provenance)

    def _use(self, checkpoint: str, domain: str, measured: Estimate) -> None:
        """Note that a test speaks of a baseline, so that it is not pruned."""
        file = str(self.baselines.path(domain))
        self._workspace.events.append(BaselineUsed(file, checkpoint, str(measured.metric)))

    def _record(self, checkpoint: str, features: Features, measured: Estimate) -> bool:
        """Note what is to be recorded; whether it is."""
        domain = features.domain.name
        if not self.records or not checkpoint or measured.value is None:
            return False
        if not self.baselines.records(domain, checkpoint, measured.metric):
            return False
        self._use(checkpoint, domain, measured)
        file = str(self.baselines.path(domain))
        found = self._profile(checkpoint, features, measured).as_dict()
        self._workspace.events.append(BaselineRecorded(file, checkpoint, found))
        return True

    def _same(self, features: Features, samples: SampleSet) -> Features:
        """`features`, computed anew only if `samples` are fewer than its own."""
        if samples == features.samples:
            return features
        cut = self._workspace.features_of(samples, features.domain, features.prompts)
        cut.lacks = features.lacks
        return cut


def _at_equal_lengths(
    written: Comparison, control: str, old: Features, new: Features
) -> Comparison:
    """The comparison at equal token counts, where lengths matter and the metric has such a form."""
    metric = written.after.metric
    definition = metric.definition
    if control == "off" or "tokens" not in old or definition.family not in _OF_LENGTH:
        return written
    able = definition.can_be_rarefied if control == "rarefy" else definition.in_windows
    if metric.across or not able:
        return replace(written, lengths=words.no_equal_lengths(metric))
    from pytest_diversity.features.windows import controlled  # noqa: PLC0415 - where it is used

    before, after = controlled(old, metric, control, new), controlled(new, metric, control, old)
    return Comparison(
        written.name,
        estimate(before, metric),
        estimate(after, metric),
        written.notes,
        lengths=words.equal_lengths(after.mean_length),
        as_written=written,
    )


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
