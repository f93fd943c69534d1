"""The self-test: collapse copies of the samples by known degrees, and see which gates fail."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from random import Random

from pytest_diversity.estimate import estimate
from pytest_diversity.features import Features
from pytest_diversity.gate.decide import OtherBounds, decide
from pytest_diversity.samples import Sample, SampleSet
from pytest_diversity.session import Session
from pytest_diversity.studies.cases import Case, GateName, cases, write_json
from pytest_diversity.text import columns

__all__ = ["DEGREES", "KINDS", "Found", "collapse", "selftest"]

DEGREES = (0.1, 0.25, 0.5, 0.75, 1.0)
_TEMPLATE = "I hope this helps! Let me know if you have any questions. Here is what I came up with."


def _duplicated(group: Sequence[Sample], chosen: Sequence[int]) -> dict[int, str]:
    """Copies of the prompt's first sample."""
    return dict.fromkeys(chosen, group[0].text)


def _shortened(group: Sequence[Sample], chosen: Sequence[int]) -> dict[int, str]:
    """Only the first tenth of the words."""
    return {index: _head(group[index].text) for index in chosen}


def _head(text: str) -> str:
    words = text.split(" ")
    return " ".join(words[: max(1, len(words) // 10)])


def _templated(group: Sequence[Sample], chosen: Sequence[int]) -> dict[int, str]:
    """The same sentences whatever was asked."""
    return {index: _TEMPLATE for index in chosen if index < len(group)}


def _scattered(group: Sequence[Sample], chosen: Sequence[int]) -> dict[int, str]:
    """Another answer each: what a budget forbids where all should agree."""
    return {index: f"The answer is {index + 1}." for index in chosen if index < len(group)}


def _emptied(group: Sequence[Sample], chosen: Sequence[int]) -> dict[int, str]:
    """Nothing at all."""
    return {index: "" for index in chosen if index < len(group)}


Collapse = Callable[[Sequence[Sample], Sequence[int]], dict[int, str]]
KINDS: Mapping[str, Collapse] = {
    "duplicates": _duplicated,
    "shortened": _shortened,
    "one template": _templated,
    "scattered": _scattered,
    "empty": _emptied,
}


def collapse(samples: SampleSet, kind: str, degree: float) -> SampleSet:
    """A copy of `samples` in which a share `degree` of each prompt's is spoilt, always the same.

    Args:
        samples: They stay as they are.
        kind: One of `KINDS`.
        degree: From 0 to 1.
    """
    return SampleSet(
        sample
        for prompt, group in samples.items()
        for sample in _spoil(prompt, group, kind, degree)
    )


def _spoil(prompt: str, group: Sequence[Sample], kind: str, degree: float) -> Iterator[Sample]:
    order = list(range(len(group)))
    Random(prompt).shuffle(order)  # noqa: S311 - no secret; a larger degree spoils those and more
    chosen = order[: round(degree * len(group))]
    texts = KINDS[kind](group, chosen)
    for index, sample in enumerate(group):
        yield replace(sample, text=texts.get(index, sample.text))


@dataclass(frozen=True, slots=True)
class Found:
    """At which degree of each kind of collapse a gate fails; None if it never does.

    Attributes:
        gate: Which budget of which checkpoint.
        fails: The first degree by kind; 0 where it fails on the samples as they are.
    """

    gate: GateName
    fails: Mapping[str, float | None]

    @property
    def never(self) -> bool:
        """Whether nothing makes it fail."""
        return all(degree is None for degree in self.fails.values())


def selftest(session: Session, path: str = "-") -> Sequence[str]:
    """Every gate with the degree at which it fails, as a table; as JSON in `path`."""
    spoiler = _Spoiler(session)
    found = [spoiler.find(case) for case in cases(session)]
    rows = [(str(one.gate), *(_degree(one.fails[kind]) for kind in KINDS)) for one in found]
    never = [f"{one.gate} never fails, whatever was spoilt" for one in found if one.never]
    return [
        *columns([("fails at", *KINDS), *rows]),
        *write_json(path, [asdict(one) for one in found]),
        *(never or ["every gate fails on some collapse"]),
    ]


def _degree(degree: float | None) -> str:
    if degree is None:
        return "never"
    return "as it is" if degree == 0 else f"{degree:.0%}"


class _Spoiler:
    """Judges spoilt copies; their features are computed once for all families of a domain."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._features: dict[tuple[str, str, str, float], Features] = {}

    def find(self, case: Case) -> Found:
        """At which degrees a gate fails."""
        if self._fails(case, "duplicates", 0.0):
            return Found(case.name, dict.fromkeys(KINDS, 0.0))
        return Found(case.name, {kind: self._first(case, kind) for kind in KINDS})

    def _first(self, case: Case, kind: str) -> float | None:
        return next((degree for degree in DEGREES if self._fails(case, kind, degree)), None)

    def _fails(self, case: Case, kind: str, degree: float) -> bool:
        """Whether the budget fails, all other bounds of the checkpoint being kept."""
        features = self._spoilt(case, kind, degree)
        measured = estimate(features, case.metric)
        reference = self._session.judge.reference(case.gate)
        verdict = decide(
            case.gate,
            measured,
            reference=reference(features, measured) if reference else None,
            others=OtherBounds.unknown(case.others),
        )
        return verdict.status in {"fail", "undefined"}

    def _spoilt(self, case: Case, kind: str, degree: float) -> Features:
        key = (case.gate.checkpoint, case.gate.domain, kind, degree)
        if key not in self._features:
            samples = collapse(case.features.samples, kind, degree)
            domain, prompts = case.features.domain, case.features.prompts
            self._features[key] = self._session.workspace.features_of(samples, domain, prompts)
        return self._features[key]
