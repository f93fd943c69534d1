"""One configuration and what is measured of it: samples, features, estimates.

It walks the line of the design as far as estimates: checkpoint x domain -> samples -> features ->
metric -> estimate. What was drawn or computed once is kept. What it takes, `resources` opens.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_diversity.cluster import in_process
from pytest_diversity.config.options import Options
from pytest_diversity.config.quality import Quality
from pytest_diversity.config.values import Config, Domain
from pytest_diversity.domains.bar import fixed
from pytest_diversity.domains.build import features_of
from pytest_diversity.domains.defaults import metric_of
from pytest_diversity.errors import DiversityError
from pytest_diversity.estimate import Estimate, estimate
from pytest_diversity.events import Drawn, Event
from pytest_diversity.features import Features
from pytest_diversity.metrics import Metric, parse
from pytest_diversity.progress import EMBEDDING
from pytest_diversity.prompts import Prompt, choose_prompts, load_prompts, read_as
from pytest_diversity.resources import Resources
from pytest_diversity.samples import SampleSet

if TYPE_CHECKING:  # rooms that a run enters when it needs them
    import numpy as np
    from numpy.typing import NDArray

    from pytest_diversity.baselines.record import Provenance
    from pytest_diversity.judges.protocol import Texts
    from pytest_diversity.profiles import DomainProfile
    from pytest_diversity.sampling.drawing import Drawing

__all__ = ["Workspace"]

_HELD = 25_000  # samples: with their features about 100 MB


class Workspace:
    """Everything that one configuration is measured with.

    Attributes:
        config: Checkpoints, domains and budgets.
        resources: What it is measured with; opened as far as anything was asked for.
        events: What happened since they were last taken.
    """

    def __init__(self, resources: Resources) -> None:
        """Measure the configuration that these are for, from now on; open and load nothing yet."""
        self.config = resources.config
        self.resources = resources
        self.events: list[Event] = []
        self._features: dict[tuple[str, str, int], Features] = {}
        self._prompts: dict[tuple[str, Path], Mapping[str, Prompt]] = {}

    def with_config(self, config: Config) -> Workspace:
        """Another configuration, measured with what this one has opened; its events are its own.

        The features of what both say in the same words are not computed again.
        """
        other = copy(self)
        other.config, other.events = config, []
        kept = [key for key in self._features if _agree(self.config, config, *key[:2])]
        other._features = {key: self._features[key] for key in kept}  # noqa: SLF001 - of its own class
        return other

    @property
    def options(self) -> Options:
        """Settings of the run."""
        return self.resources.options

    @property
    def root(self) -> Path:
        """What relative paths of sources are relative to."""
        return self.resources.root

    def close(self) -> None:
        """Release what was opened, also for the configurations that share it."""
        self.resources.close()

    def domain(self, name: str) -> Domain:
        """The domain of that name, with the run's settings in place of its own."""
        domain = self.config.domain(name)
        changes: dict[str, Any] = {}
        if self.options.samples:
            changes["samples_per_prompt"] = self.options.samples
            changes["chosen"] = domain.chosen | {"samples_per_prompt"}
        if self.options.embedder:
            changes["embedder"] = self.options.embedder
        if self.options.adaptive is not None:
            changes["adaptive"] = self.options.adaptive
        return replace(domain, **changes)

    def prompts(self, domain: Domain) -> Mapping[str, Prompt]:
        """The prompts of a domain, by id, read once; none where samples bring their own."""
        if domain.prompts is None:
            return {}
        file = domain.prompts, domain.root
        if file not in self._prompts:
            self._prompts[file] = load_prompts(*file)
        return choose_prompts(self._prompts[file], domain.max_prompts)

    def at_hand(self, checkpoint: str, domain: str) -> bool:
        """Whether the samples of a checkpoint in a domain need not be drawn."""
        chosen, model = self.domain(domain), self.config.checkpoint(checkpoint)
        return self.resources.source(model).at_hand(model, chosen, self.prompts(chosen))

    def stored(self, checkpoint: str, domain: str, count: int | None = None) -> bool:
        """Whether the store has all samples of a checkpoint in a domain, or `count` a prompt."""
        chosen, model = self.domain(domain), self.config.checkpoint(checkpoint)
        chosen = replace(chosen, samples_per_prompt=count or chosen.samples_per_prompt)
        return not self.resources.is_recorded(model) and self.resources.sampler.stored(
            model, chosen, self.prompts(chosen)
        )

    def samples(self, checkpoint: str, domain: str) -> SampleSet:
        """The samples of a checkpoint in a domain, from the store where they are."""
        return self.features(checkpoint, domain).samples

    def features(self, checkpoint: str, domain: str, count: int | None = None) -> Features:
        """The features of those samples, of at most `count` of each prompt if it is given."""
        thinking = self.config.checkpoint(checkpoint).thinking
        whole = self.domain(domain)
        whole = whole if thinking is None else replace(whole, thinking=thinking)
        chosen = whole if count is None else replace(whole, samples_per_prompt=count)
        key = (checkpoint, domain, chosen.samples_per_prompt)
        if key not in self._features:
            prompts = self.prompts(chosen)
            drawing = self._draw(checkpoint, chosen, prompts, whole.samples_per_prompt)
            found = self.features_of(drawing.samples, chosen, prompts, checkpoint)
            said = (*drawing.notes, *read_as(chosen.prompts, chosen.root))
            found.notes, found.lacks = (*found.notes, *said), drawing.lacks
            self._features[key] = self._with_threshold(found, checkpoint)
        return self._features[key]

    def forget(self, checkpoint: str) -> None:
        """Release what is held of a checkpoint; its samples stay in the store."""
        self._features = {key: one for key, one in self._features.items() if key[0] != checkpoint}

    def release(self, *kept: str) -> None:
        """Release all features, where many are held, but those that others are compared with.

        Few are kept, for reports show what is known of samples.

        Args:
            kept: A checkpoint and a domain that are still to be judged.
        """
        if sum(one.samples.size for one in self._features.values()) > _HELD:
            self._features = {
                key: one
                for key, one in self._features.items()
                if key[0] in self._references or key[:2] == kept
            }

    @property
    def _references(self) -> frozenset[str | None]:
        """The checkpoints that others are compared with."""
        budgets = (
            one for domain in self.config.domains.values() for one in domain.budgets.values()
        )
        return frozenset([self.config.reference, *(one.reference for one in budgets)])

    def _with_threshold(self, features: Features, checkpoint: str) -> Features:
        """The features, judged from the score on that a percentile of the reference's is."""
        quality, reference = features.domain.quality, self.config.reference
        if quality is None or quality.percentile is None or reference == checkpoint:
            return features
        if reference is None or reference not in self.config.checkpoints:
            own = f"valid from the {quality.percentile:g}th percentile of its own scores on"
            features.notes = (*features.notes, f"{own}, but for what is compared with a baseline")
            return features
        return features.judged_by(fixed(quality, self.features(reference, features.domain.name)))

    def _draw(
        self, checkpoint: str, domain: Domain, prompts: Mapping[str, Prompt], most: int
    ) -> Drawing:
        model = self.config.checkpoint(checkpoint)
        drawing = self.resources.source(model).draw(model, domain, prompts)
        self.events.append(
            Drawn(
                checkpoint=checkpoint,
                domain=domain.name,
                drawn=drawing.drawn,
                stored=drawing.stored,
                replayed=drawing.replayed,
                prompts=len(drawing.samples),
                count=domain.samples_per_prompt,
                most=most,
            )
        )
        return drawing

    def features_of(
        self,
        samples: SampleSet,
        domain: Domain,
        prompts: Mapping[str, Prompt] | None = None,
        whose: str = "",
    ) -> Features:
        """The features of samples at hand, with the workspace's embedder and its memory."""

        def embed(texts: Sequence[str]) -> NDArray[np.float32]:
            embedder = self.resources.embedder(domain)  # looked for when a text is to be embedded
            return embedder(texts, self.resources.count(domain, EMBEDDING, whose))

        return features_of(
            samples,
            domain,
            embed,
            self.prompts(domain) if prompts is None else prompts,
            execute=self.resources.executor(domain, whose),
            assess=lambda quality, pairs: self.resources.panel.assess(domain, quality, pairs),
            spread=self.resources.cluster or in_process,
            whose=whose,
        )

    def profile(self, checkpoint: str, domain: str) -> DomainProfile:
        """Every family of a checkpoint in a domain, by the metric of its budget or the default."""
        from pytest_diversity.profiles import profile_of  # noqa: PLC0415 - rarely asked

        budgets, features = self.domain(domain).budgets, self.features(checkpoint, domain)
        named = {family: budget.metric for family, budget in budgets.items()}
        return profile_of(
            features,
            lambda family: metric_of(features.domain, family, named.get(family)),
            checkpoint,
        )

    def estimate(self, checkpoint: str, domain: str, metric: str | Metric) -> Estimate:
        """A metric of a checkpoint in a domain."""
        return estimate(self.features(checkpoint, domain), parse(metric))

    def describe_sandbox(self) -> str | None:
        """What programs run in, None where none are run."""
        if not any(map(self.resources.executes, self.config.domains.values())):
            return None
        try:
            return str(self.resources.sandbox("python"))
        except DiversityError:
            return "none holds here"

    def check_sandbox(self) -> None:
        """Make sure that programs can be run where they would be.

        Raises:
            SandboxUnavailable: No sandbox holds here, or a language cannot be run.
        """
        for domain in self.config.domains.values():
            if domain.budgets:
                self.demand_sandbox(domain)

    def demand_sandbox(self, domain: Domain) -> str | None:
        """What the programs of a domain are run in; None where they are not.

        Raises:
            SandboxUnavailable: No sandbox holds here, or the language cannot be run.
        """
        if not self.resources.executes(domain):
            return None
        return str(self.resources.sandbox(domain.language))

    def unasked(self, domain: Domain, quality: Quality, pairs: Sequence[Texts]) -> int:
        """How many questions to a judge were not asked before; none is."""
        return self.resources.panel.unasked(domain, quality, pairs)

    def check_judge(self, domain: Domain, quality: Quality | None) -> None:
        """Make sure that a domain names a judge, where it names one; load no model.

        Raises:
            ConfigError: It names none, or its threshold is none.
            CheckpointError: It names a model that is not there.
        """
        if quality is not None:
            self.resources.panel.check(domain, quality)

    def provenance(self, checkpoint: str, domain: Domain) -> Provenance:
        """What a baseline must know of a checkpoint, each asked for only where it matters."""
        from pytest_diversity.baselines.record import Provenance  # noqa: PLC0415 - for baselines

        model = self.config.checkpoints.get(checkpoint)
        return Provenance(
            weights=lambda: self.resources.source(model).weights(model) if model else "",
            origin=lambda: self.resources.source(model).origin(model) if model else {},
            embedder=lambda: self.resources.embedder(domain).fingerprint(
                self.resources.store.facts
            )[:16],
            sandbox=lambda: self.resources.sandbox(domain.language).fingerprint,
        )


def _agree(one: Config, other: Config, checkpoint: str, domain: str) -> bool:
    """Whether two configurations say the same of a checkpoint in a domain, and of its reference."""
    names = {checkpoint, one.reference or checkpoint}
    return (
        one.reference == other.reference
        and one.domains.get(domain) == other.domains.get(domain)
        and all(one.checkpoints.get(name) == other.checkpoints.get(name) for name in names)
    )
