"""One configuration with its store, its sampler and its caches: samples, features, estimates.

It walks the line of the design as far as estimates: checkpoint x domain -> samples -> features ->
metric -> estimate. What was drawn or computed once is kept.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from pytest_diversity.checkpoints import sources
from pytest_diversity.cluster import in_process
from pytest_diversity.config.options import Options
from pytest_diversity.config.quality import Quality
from pytest_diversity.config.values import Checkpoint, Config, Domain
from pytest_diversity.domains import kind_of
from pytest_diversity.domains.bar import fixed
from pytest_diversity.domains.build import features_of
from pytest_diversity.domains.defaults import metric_of
from pytest_diversity.errors import DiversityError
from pytest_diversity.estimate import Estimate, estimate
from pytest_diversity.events import Drawn, Event
from pytest_diversity.features import Execute, Features
from pytest_diversity.metrics import Metric, parse
from pytest_diversity.progress import DRAWING, EMBEDDING, EXECUTING, Count, Work
from pytest_diversity.prompts import Prompt, choose_prompts, load_prompts, read_as
from pytest_diversity.samples import SampleSet
from pytest_diversity.sampling.replay import Replays

if TYPE_CHECKING:  # rooms that a run enters when it needs them
    import numpy as np
    from numpy.typing import NDArray

    from pytest_diversity.baselines.record import Provenance
    from pytest_diversity.cluster.ray import Cluster
    from pytest_diversity.features.embeddings import Embedder
    from pytest_diversity.judges.panel import Panel
    from pytest_diversity.judges.protocol import Texts
    from pytest_diversity.profiles import DomainProfile
    from pytest_diversity.sampling.draw import Shown
    from pytest_diversity.sampling.drawing import Drawing
    from pytest_diversity.sampling.sampler import Sampler
    from pytest_diversity.sandbox import Execution, Program, Sandbox
    from pytest_diversity.store.sqlite import Store

__all__ = ["Show", "Workspace"]

_HELD = 25_000  # samples: with their features about 100 MB


class Show(Protocol):
    """Begins to show how far a work is."""

    def __call__(
        self, label: str, total: int, work: Work = DRAWING, /
    ) -> AbstractContextManager[Shown]:
        """The progress of `total` parts, for whom `label` says."""


class Workspace:
    """Everything that one configuration is measured with.

    Attributes:
        config: Checkpoints, domains and budgets.
        options: Settings of the run.
        root: What relative paths of sources are relative to.
        events: What happened since they were last taken.
    """

    def __init__(
        self,
        config: Config,
        options: Options,
        root: Path,
        show: Show,
        say: Callable[[str], None] = lambda _: None,
    ) -> None:
        """Hold the settings; open and load nothing yet.

        Args:
            config: Checkpoints, domains and budgets.
            options: Settings of the run.
            root: What relative paths of sources are relative to.
            show: Begins to show how far drawing, embedding, executing or judging is.
            say: Shows a line to a person.
        """
        self.config = config
        self.options = options
        self.root = root
        self.events: list[Event] = []
        self._show = show
        self._say = say
        self._replays = Replays(root)
        self._features: dict[tuple[str, str, int], Features] = {}
        self._prompts: dict[tuple[str, Path], Mapping[str, Prompt]] = {}
        self._embedders: dict[Path, Embedder] = {}

    @cached_property
    def store(self) -> Store:
        """The sample store."""
        from pytest_diversity.store.sqlite import Store  # noqa: PLC0415 - where something is kept

        return Store(self.options.store, self._say)

    def losses(self) -> tuple[int, ...]:
        """What of the store turned out to be damaged since this was last asked, as `Damaged`."""
        return self.store.losses() if "store" in vars(self) else ()

    @cached_property
    def sampler(self) -> Sampler:
        """What draws, with at most one model in memory."""
        from pytest_diversity.sampling.sampler import Sampler  # noqa: PLC0415 - what is not replayed

        return Sampler(self.options, self.root, self.store, self._show)

    @cached_property
    def cluster(self) -> Cluster | None:
        """The cluster that samples, where one does, for much else."""
        if self.options.engine != "ray":
            return None
        from pytest_diversity.cluster.ray import Cluster  # noqa: PLC0415 - only where there is one

        return Cluster(self.options.ray_address)

    def close(self) -> None:
        """Release the model and the cluster, and close the store, as far as there are any."""
        for made in map(vars(self).get, ("sampler", "cluster", "store")):
            if made is not None:
                made.close()

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
        return self.source(model).at_hand(model, chosen, self.prompts(chosen))

    def stored(self, checkpoint: str, domain: str, count: int | None = None) -> bool:
        """Whether the store has all samples of a checkpoint in a domain, or `count` a prompt."""
        chosen, model = self.domain(domain), self.config.checkpoint(checkpoint)
        chosen = replace(chosen, samples_per_prompt=count or chosen.samples_per_prompt)
        return not self.is_recorded(model) and self.sampler.stored(
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

    def judged(self, checkpoint: str, domain: str | None = None) -> None:
        """Release what is held of a checkpoint in a domain, or in all, where much is held at all.

        Little is kept, for reports show what is known of samples; so is what others are compared
        with.
        """
        if sum(one.samples.size for one in self._features.values()) > _HELD:
            self._features = {
                key: one
                for key, one in self._features.items()
                if key[0] in self._references or (key[0], domain or key[1]) != (checkpoint, key[1])
            }

    @cached_property
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
        drawing = self.source(model).draw(model, domain, prompts)
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

    def source(self, checkpoint: Checkpoint) -> Replays | Sampler:
        """What a checkpoint's samples are from: a recording, or what draws them."""
        return self._replays if self.is_recorded(checkpoint) else self.sampler

    def is_recorded(self, checkpoint: Checkpoint) -> bool:
        """Whether a checkpoint's samples are in a file that somebody recorded."""
        return sources.kind_of(checkpoint.source, self.root) == "replay"

    def features_of(
        self,
        samples: SampleSet,
        domain: Domain,
        prompts: Mapping[str, Prompt] | None = None,
        whose: str = "",
    ) -> Features:
        """The features of samples at hand, with the workspace's embedder and its memory."""

        def embed(texts: Sequence[str]) -> NDArray[np.float32]:
            count = self._count(domain, EMBEDDING, whose)
            return self._embedder(domain)(texts, count)  # looked for when a text is to be embedded

        return features_of(
            samples,
            domain,
            embed,
            self.prompts(domain) if prompts is None else prompts,
            execute=self._executor(domain, whose),
            assess=lambda quality, pairs: self._panel.assess(domain, quality, pairs),
            spread=self.cluster or in_process,
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
        if not any(map(self.executes, self.config.domains.values())):
            return None
        try:
            return str(self._sandbox("python"))
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
        return str(self._sandbox(domain.language)) if self.executes(domain) else None

    def executes(self, domain: Domain) -> bool:
        """Whether the programs of a domain are run."""
        allowed = self.options.allow_execution or self.options.unsafe_code
        return (allowed or domain.execution == "sandbox") and kind_of(domain).runs_programs

    def _sandbox(self, language: str) -> Sandbox:
        from pytest_diversity.sandbox import Sandbox  # noqa: PLC0415 - where programs are run

        return Sandbox(language=language, unsafe=self.options.unsafe_code)

    def _executor(self, domain: Domain, whose: str) -> Execute | None:
        """What runs the programs of a domain; the sandbox is looked for when there are some."""
        if not self.executes(domain):
            return None

        def execute(programs: Sequence[Program]) -> list[Execution]:
            from pytest_diversity.features.outcomes import Executor  # noqa: PLC0415 - likewise
            from pytest_diversity.sandbox.nodes import Sandboxes  # noqa: PLC0415 - likewise

            sandbox = self._sandbox(domain.language)
            memory = self.store.executions(sandbox.key)
            runs = Sandboxes(sandbox, self.cluster) if self.cluster else sandbox
            count = self._count(domain, EXECUTING, whose)
            lock = partial(self.store.lock, "execution", "runs programs")
            return Executor(runs, memory, lock, count)(programs)

        return execute

    def unexecuted(self, domain: Domain, programs: Sequence[Program]) -> int:
        """How many different programs were not executed before in this sandbox; none is run."""
        known = self.store.executions(self._sandbox(domain.language).key)
        return sum(key not in known for key in {program.key for program in programs})

    def unasked(self, domain: Domain, quality: Quality, pairs: Sequence[Texts]) -> int:
        """How many questions to a judge were not asked before; none is."""
        return self._panel.unasked(domain, quality, pairs)

    def _count(self, domain: Domain, work: Work, whose: str = "") -> Count:
        """What shows how far a work is."""
        label = " ".join(filter(None, ("diversity:", whose, domain.name)))
        return lambda total: self._show(label, total, work)

    @cached_property
    def _panel(self) -> Panel:
        """The judges of quality."""
        from pytest_diversity.judges.panel import Panel  # noqa: PLC0415 - where one is asked

        return Panel(
            self.config,
            self.options,
            self._embedder,
            lambda: self.store,
            lambda: self.sampler,
            count=self._count,
        )

    def check_judge(self, domain: Domain, quality: Quality | None) -> None:
        """Make sure that a domain names a judge, where it names one; load no model.

        Raises:
            ConfigError: It names none, or its threshold is none.
            CheckpointError: It names a model that is not there.
        """
        if quality is not None:
            self._panel.check(domain, quality)

    def _embedder(self, domain: Domain) -> Embedder:
        from pytest_diversity.features import embeddings  # noqa: PLC0415 - where texts are embedded

        path = embeddings.find(domain.embedder, domain.root)
        if path not in self._embedders:
            embedder = embeddings.Embedder(path, device=self.options.device)
            embedder.cache = self.store.embeddings(embedder.fingerprint(self.store.facts))
            self._embedders[path] = embedder
        return self._embedders[path]

    def provenance(self, checkpoint: str, domain: Domain) -> Provenance:
        """What a baseline must know of a checkpoint, each asked for only where it matters."""
        from pytest_diversity.baselines.record import Provenance  # noqa: PLC0415 - for baselines

        model = self.config.checkpoints.get(checkpoint)
        return Provenance(
            weights=lambda: self.source(model).weights(model) if model else "",
            origin=lambda: self.source(model).origin(model) if model else {},
            embedder=lambda: self._embedder(domain).fingerprint(self.store.facts)[:16],
            sandbox=lambda: self._sandbox(domain.language).fingerprint,
        )
