"""What metrics read: features of a SampleSet, computed once and only when asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Protocol

from pytest_diversity.cluster import Spread, in_process
from pytest_diversity.errors import DiversityError

if TYPE_CHECKING:  # domains import this module, and the sandbox below it imports nothing heavy
    import numpy as np
    from numpy.typing import NDArray

    from pytest_diversity.config.quality import Quality
    from pytest_diversity.config.values import Domain
    from pytest_diversity.judges.protocol import Assessed, Texts
    from pytest_diversity.metrics import Metric
    from pytest_diversity.prompts import Prompt
    from pytest_diversity.samples import SampleSet
    from pytest_diversity.sandbox import Execution, Program

__all__ = [
    "Assess",
    "Embed",
    "Execute",
    "Feature",
    "Features",
    "Kind",
    "UndefinedFeatureError",
    "View",
]


class UndefinedFeatureError(DiversityError):
    """A feature cannot be had for these samples; the metrics that read it are undefined."""


class Embed(Protocol):
    """Sentence embeddings of texts."""

    def __call__(self, texts: Sequence[str], /) -> NDArray[np.float32]:
        """Shape (number of texts, D)."""


class Assess(Protocol):
    """What a judge makes of answers: of each, or of two."""

    def __call__(self, quality: Quality, pairs: Sequence[Texts], /) -> Assessed:
        """A score and a verdict for each (prompt, text) or (prompt, one, other), in order."""


class Execute(Protocol):
    """What programs do when they are run."""

    def __call__(self, programs: Sequence[Program]) -> Sequence[Execution]:
        """One execution for each program, in order."""


Feature = Callable[["Features"], Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Kind:
    """What a kind of domain knows; whatever depends on the kind of a domain is asked of it.

    Attributes:
        name: `answer`, `code` or `prose`, or one that is registered.
        features: How each feature is computed: from all prompts at once, to a value per prompt.
        metrics: The default metric of each family.
        notes: What a report must say beside a family's values, for example that its judge is a
            heuristic.
        check: Refuses a domain whose settings it cannot work with.
        chosen: Itself as the settings of a domain make it.
        equivalences: By feature, what tells whether samples mean the same, where that is chosen.
        settings: Names of the domain's settings that values depend on.
        packages: Packages whose versions values depend on.
        versions: Of what else they depend on, by its name.
        relations: Features that a sample has only in relation to the others of its group, such as
            distances; all others are one value for each sample, in order.
        within: Features that mean something among the samples of one prompt alone.
        embedded: Features that depend on the sentence embedder.
        executed: Features that depend on what programs do, where they are run.
        judged: Features that depend on the judge of quality.
        bar: The judge that is asked where a domain names none, if its validity rests on one.
        rough: The one that decides in its place where two models answer very unequally often.
    """

    name: str
    features: Mapping[str, Feature]
    metrics: Mapping[str, str]
    notes: Callable[[Features], Mapping[str, str]] = lambda _: {}
    check: Callable[[Domain], None] = lambda _: None
    chosen: Callable[[Kind, Domain], Kind] = lambda kind, _: kind
    equivalences: Callable[[Features], Mapping[str, str]] = lambda _: {}
    settings: tuple[str, ...] = ()
    packages: Callable[[Domain], Sequence[str]] = lambda _: ()
    versions: Mapping[str, str] = field(default_factory=dict)
    relations: frozenset[str] = frozenset()
    within: frozenset[str] = frozenset()
    embedded: frozenset[str] = frozenset()
    executed: frozenset[str] = frozenset()
    judged: frozenset[str] = frozenset()
    bar: str | None = None
    rough: str | None = None

    @property
    def runs_programs(self) -> bool:
        """Whether its samples are programs that can be run."""
        return bool(self.executed)


class Features:
    """The features of one SampleSet in one domain, by name; each is computed once."""

    def __init__(
        self,
        samples: SampleSet,
        domain: Domain,
        kind: Kind,
        prompts: Mapping[str, Prompt],
        embed: Embed,
        *,
        execute: Execute | None = None,
        assess: Assess | None = None,
        spread: Spread = in_process,
        given: Mapping[str, Mapping[str, Any]] | None = None,
    ) -> None:
        """Hold what the features are computed from; compute nothing yet.

        Args:
            samples: What they are features of.
            domain: Its settings.
            kind: How features are computed.
            prompts: A prompt for each of the samples' prompts.
            embed: What embeds texts.
            execute: What runs programs; None where running them is off.
            assess: What judges of quality are asked through.
            spread: Where much work on them is done.
            given: Features that are known already, by name and prompt; they are not computed.
        """
        self.samples = samples
        self.domain = domain
        self.kind = kind
        self.prompts = prompts
        self.embed = embed
        self.execute = execute
        self.assess = assess
        self.spread = spread
        self.notes: tuple[str, ...] = ()  # what must be said beside a value that is read from these
        self.parts: Sequence[Features] = ()  # views of which values are averaged
        self.values: dict[Metric, dict[str, float]] = {}  # what metrics have read, by prompt
        self.said: dict[str, str] = {}  # likewise, beside one that rests on that feature
        self.lacks: str | None = None  # which samples are not there, so that no value is read
        self.given: Mapping[str, Mapping[str, Any]] = dict(given or {})
        self._known: dict[str, Mapping[str, Any]] = dict(self.given)
        self._assessed: dict[Quality, Assessed] = {}

    def __getitem__(self, name: str) -> Mapping[str, Any]:
        """The feature `name` of each prompt; None where it is undefined.

        Raises:
            UndefinedFeatureError: The domain's kind has no such feature, or cannot give it here.
        """
        if name not in self:
            raise UndefinedFeatureError(
                f"a domain of kind {self.kind.name!r} has no {name}", fix="choose another metric"
            )
        if name not in self._known:
            self._known[name] = self.kind.features[name](self)
        return self._known[name]

    def __contains__(self, name: str) -> bool:
        """Whether the feature `name` is given, or the domain's kind can compute it."""
        return name in self._known or name in self.kind.features

    def known(self, name: str) -> Mapping[str, Any] | None:
        """The feature `name` of each prompt, if it has been computed or was given; else None."""
        return self._known.get(name)

    def each(self, compute: Callable[[str, Prompt], Any]) -> dict[str, list[Any]]:
        """`compute(text, prompt)` for every sample, by prompt."""
        return {
            name: [compute(sample.text, self.prompt(name)) for sample in group]
            for name, group in self.samples.items()
        }

    def assessed(self, quality: Quality) -> Assessed:
        """What a judge makes of every sample, in the order of the samples; asked once.

        Raises:
            UndefinedFeatureError: There is nothing to ask judges through.
            DiversityError: The judge cannot be found or fails.
        """
        if self.assess is None:
            raise UndefinedFeatureError(
                f"nothing judges the quality of {self.domain.name!r} here",
                fix="measure the samples themselves",
            )
        if quality not in self._assessed:
            pairs = [
                (self.prompt(name).prompt, sample.text)
                for name, group in self.samples.items()
                for sample in group
            ]
            self._assessed[quality] = self.assess(quality, pairs)
        return self._assessed[quality]

    def judged_by(self, quality: Quality) -> Features:
        """The same features, but for those that rest on the judge of quality: these on another."""
        other = copy(self)
        other.domain = replace(self.domain, quality=quality)
        other.values = {}
        other._known = {  # noqa: SLF001 - its own
            name: value
            for name, value in self._known.items()
            if name in self.given or name not in self.kind.judged
        }
        return other

    def prompt(self, name: str) -> Prompt:
        """The prompt of that id."""
        return self.prompts[name]


class View(Features):
    """Features of the same samples, computed once in `whole`, of which some are seen otherwise."""

    def __init__(
        self, whole: Features, given: Mapping[str, Mapping[str, Any]] | None = None
    ) -> None:
        """See `given` in place of, or beside, what `whole` has."""
        super().__init__(
            whole.samples,
            whole.domain,
            whole.kind,
            whole.prompts,
            whole.embed,
            execute=whole.execute,
            assess=whole.assess,
            spread=whole.spread,
            given=given,
        )
        self.notes, self.lacks = whole.notes, whole.lacks
        self._whole = whole

    def __contains__(self, name: str) -> bool:
        """Whether the feature `name` is given, or `whole` has it."""
        return name in self._known or name in self._whole

    def __getitem__(self, name: str) -> Mapping[str, Any]:
        """The feature `name` of each prompt.

        Raises:
            UndefinedFeatureError: `whole` has no such feature, or cannot give it here.
        """
        return self._known[name] if name in self._known else self._whole[name]
