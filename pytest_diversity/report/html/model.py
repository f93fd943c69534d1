"""What the page shows, as plain values: by domain, and never over domains."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from pytest_diversity.errors import DiversityError
from pytest_diversity.events import Judged
from pytest_diversity.families import FAMILIES
from pytest_diversity.features import Features
from pytest_diversity.metrics import parse
from pytest_diversity.report.curves import Curve, curves
from pytest_diversity.report.run import RunReport, Subject
from pytest_diversity.statistics.mean import Mean
from pytest_diversity.verdict import Verdict

__all__ = [
    "ANSWERS",
    "Family",
    "Form",
    "Length",
    "Number",
    "Part",
    "Validity",
    "changes",
    "limits",
    "parts",
    "turned",
]

ANSWERS = 200_000  # on a page: of 60 words each it is 32 MB, and opens in a second


@dataclass(frozen=True, slots=True)
class Number:
    """A mean with its two-sided 95 % interval; no ends with fewer than two prompts."""

    value: float
    low: float | None
    high: float | None

    @classmethod
    def of(cls, values: Iterable[float]) -> Number | None:
        """The mean over prompts; None without any."""
        known = list(values)
        if not known:
            return None
        mean = Mean.of(known)
        return cls(mean.value, *(mean.interval() or (None, None)))


@dataclass(frozen=True, slots=True)
class Family:
    """A metric of a domain, on each checkpoint that it was judged of, in the order of the file."""

    name: str
    metric: str
    judged: tuple[Judged, ...]

    @property
    def verdicts(self) -> Iterator[Verdict]:
        """What became of it."""
        return (one.verdict for one in self.judged)


@dataclass(frozen=True, slots=True)
class Form:
    """Form against content: what became of the structures of answers, and of their meanings.

    Attributes:
        checkpoint: Its name.
        reference: What it is compared with.
        points: By prompt, the change of the syntactic and that of the effective metric.
        lengths: What was done about the lengths of texts, for the syntactic change.
    """

    checkpoint: str
    reference: str
    points: Mapping[str, tuple[float, float]]
    lengths: str

    @property
    def form(self) -> Number | None:
        """The mean change of the syntactic metric."""
        return Number.of(x for x, _ in self.points.values())

    @property
    def content(self) -> Number | None:
        """The mean change of the effective metric."""
        return Number.of(y for _, y in self.points.values())


@dataclass(frozen=True, slots=True)
class Validity:
    """How often two answers are both valid, and how much such pairs differ; None where none are."""

    checkpoint: str
    valid: Number
    diversity: Number | None


@dataclass(frozen=True, slots=True)
class Length:
    """How long the answers of a checkpoint are, in words or in tokens of the domain.

    Attributes:
        checkpoint: Its name.
        unit: `tokens`, or `words` where nothing has made tokens of them.
        tenth: A tenth is shorter.
        median: Half are shorter.
        ninetieth: A tenth is longer.
        cut: The share that was cut off by the most tokens allowed.
    """

    checkpoint: str
    unit: str
    tenth: float
    median: float
    ninetieth: float
    cut: float


@dataclass(frozen=True)
class Part:
    """A domain: what was judged of it, and what it was judged by.

    Attributes:
        config: The configuration file.
        domain: Its name.
        families: What was judged.
        subjects: What was sampled.
        features: The samples of each checkpoint that are at hand, with what is known of them.
        left_out: The checkpoints whose answers the page has no room for.
    """

    config: str
    domain: str
    families: tuple[Family, ...]
    subjects: tuple[Subject, ...]
    features: Mapping[str, Features]
    left_out: frozenset[str] = frozenset()

    @property
    def verdicts(self) -> Iterator[Verdict]:
        """All of the domain, family by family."""
        return (one for family in self.families for one in family.verdicts)

    @property
    def curves(self) -> Sequence[Curve]:
        """Along training runs."""
        return curves(self.verdicts)

    def first(self, family: str) -> Iterator[Verdict]:
        """The verdicts of a family, by the first of its metrics that has any."""
        return next((one.verdicts for one in self.families if one.name == family), iter(()))

    @property
    def forms(self) -> list[Form]:
        """Of each checkpoint that is compared with a reference by both families."""
        syntactic = {one.name: one for one in self.first("syntactic")}
        effective = {one.name: one for one in self.first("effective")}
        return [
            form
            for name in syntactic
            if name in effective and (form := _form(syntactic, effective, name))
        ]

    @property
    def validities(self) -> list[Validity]:
        """Of each checkpoint of which it is known."""
        found = ((one, Number.of(one.quality.values())) for one in self.first("effective"))
        return [Validity(one.name, valid, _among_valid(one)) for one, valid in found if valid]

    @property
    def lengths(self) -> list[Length]:
        """Of each checkpoint whose samples are at hand."""
        return [_length(name, features) for name, features in self.features.items()]


def parts(report: RunReport) -> list[Part]:
    """The domains of a run, in the order of their first verdict's checkpoint and family."""
    order = list(dict.fromkeys((one.checkpoint, one.config) for one in report.subjects))
    places = {place: i for i, place in enumerate(order)}
    groups: dict[tuple[str, str], list[Judged]] = {}
    for one in sorted(
        report.judged,
        key=lambda one: places.get((one.verdict.checkpoint, one.config), len(places)),
    ):
        groups.setdefault((one.config, one.verdict.domain), []).append(one)
    shown = _with_answers(report)
    # not domain by domain: a recording of all domains is read once for a checkpoint
    at_hand = {
        _place(one): one.features()
        for one in sorted(report.subjects, key=lambda one: one.checkpoint)
        if _place(one) in shown and (one.config, one.domain) in groups
    }
    found = []
    for (config, domain), judged in sorted(groups.items()):
        subjects = _subjects(report, config, domain)
        known = {one.checkpoint: at_hand.get(_place(one)) for one in subjects}
        features = {name: one for name, one in known.items() if one is not None}
        left_out = frozenset(one.checkpoint for one in subjects if _place(one) not in shown)
        found.append(Part(config, domain, _families(judged), subjects, features, left_out))
    return found


def _with_answers(report: RunReport) -> set[tuple[str, str, str]]:
    """Whose answers are on the page: first what is in trouble and its reference, while they fit."""
    asked = [
        report.subject(one, checkpoint)
        for one in report.judged
        for checkpoint in (None, one.verdict.change.reference if one.verdict.change else None)
    ]
    left, shown = ANSWERS, set()
    for one in filter(None, [*asked, *report.subjects]):
        size = one.prompts * one.samples
        if _place(one) not in shown and size <= left:
            left -= size
            shown.add(_place(one))
    return shown


def _place(subject: Subject) -> tuple[str, str, str]:
    return subject.config, subject.checkpoint, subject.domain


def limits(verdict: Verdict, axis: str) -> tuple[float | None, float | None]:
    """The least and the most that a budget allows of the `value`, or of its `change`."""
    known = verdict.limits
    if axis == "value":
        return known.get("min"), known.get("max")
    drop, rise = known.get("max_drop"), known.get("max_rise")
    if _better(verdict) == "up":
        return None if drop is None else -drop, rise
    return None if rise is None else -rise, drop


def turned(part: Mapping[str, float | None]) -> Number | None:
    """A part of an effective change, as a change: its loss the other way round."""
    loss, low, high = part["loss"], part["low"], part["high"]
    if loss is None:
        return None
    return Number(-loss, None if high is None else -high, None if low is None else -low)


def changes(verdict: Verdict, others: Mapping[str, Verdict]) -> Mapping[str, float]:
    """The change of each prompt since the reference.

    Args:
        verdict: Of a checkpoint.
        others: By checkpoint, verdicts by the same metric, by which a change is known, too, where
            the budget asks for none: as written, whatever the lengths.
    """
    if verdict.change is not None:
        return verdict.change.per_prompt
    before = next(
        (
            others[one.change.reference].per_prompt
            for one in others.values()
            if one.change is not None and one.change.reference in others
        ),
        {},
    )
    return {p: value - before[p] for p, value in verdict.per_prompt.items() if p in before}


def _form(
    syntactic: Mapping[str, Verdict], effective: Mapping[str, Verdict], name: str
) -> Form | None:
    compared = (effective[name].change, syntactic[name].change)
    reference = next((one.reference for one in compared if one is not None), None)
    if reference is None:
        return None
    x = _since(reference, syntactic, name)
    y = _since(reference, effective, name)
    points = {prompt: (x[prompt], y[prompt]) for prompt in x if prompt in y}
    lengths = compared[1].lengths if compared[1] else "as written, whatever the lengths"
    return Form(name, reference, points, lengths) if points else None


def _since(reference: str, verdicts: Mapping[str, Verdict], name: str) -> Mapping[str, float]:
    """The change of each prompt; of a budget that compares nothing, as both sides were judged."""
    change = verdicts[name].change
    if change is not None:
        return change.per_prompt if change.reference == reference else {}
    if reference not in verdicts:
        return {}
    before, after = verdicts[reference].per_prompt, verdicts[name].per_prompt
    return {prompt: after[prompt] - before[prompt] for prompt in after if prompt in before}


def _among_valid(verdict: Verdict) -> Number | None:
    shares = verdict.quality
    return Number.of(verdict.per_prompt[p] / share for p, share in shares.items() if share)


def _length(name: str, features: Features) -> Length:
    tokens = features.known("tokens")
    samples = list(features.samples.samples)
    counts = (
        [len(sample.text.split()) for sample in samples]
        if tokens is None
        else [len(text) for group in tokens.values() for text in group]
    )
    cut = sum(sample.finish_reason == "length" for sample in samples)
    counts.sort()
    tenth, median, ninetieth = (counts[int(q * (len(counts) - 1))] for q in (0.1, 0.5, 0.9))
    unit = "words" if tokens is None else "tokens"
    return Length(name, unit, tenth, median, ninetieth, cut / len(samples))


def _better(verdict: Verdict) -> str:
    try:
        return parse(verdict.metric).definition.better
    except DiversityError:  # a metric that the suite's workers alone have registered
        return "up"


def _families(judged: Iterable[Judged]) -> tuple[Family, ...]:
    groups: dict[tuple[str, str], list[Judged]] = {}
    for one in judged:
        groups.setdefault((one.verdict.family, one.verdict.metric), []).append(one)
    order = sorted(groups, key=lambda key: FAMILIES.index(key[0]))
    return tuple(Family(*key, tuple(groups[key])) for key in order)


def _subjects(report: RunReport, config: str, domain: str) -> tuple[Subject, ...]:
    wanted = (config, domain)
    return tuple(one for one in report.subjects if (one.config, one.domain) == wanted)
