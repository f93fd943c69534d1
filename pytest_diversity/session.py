"""The shell around the pure line: one configuration, its store, and the model in memory.

`Session.verdict` walks the line of the design: checkpoint x domain -> samples -> features ->
metric -> estimate -> verdict. What was drawn or computed once in a session is kept.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pytest_diversity.config import Budget, Checkpoint, Config, Domain
from pytest_diversity.domains import KINDS, Prompt, load_prompts
from pytest_diversity.errors import CheckpointError, ConfigError, MissingExtraError
from pytest_diversity.estimate import Estimate, estimate, features_of
from pytest_diversity.features import Features
from pytest_diversity.features.embeddings import Embedder, default_source
from pytest_diversity.gate import Comparison, Verdict, judge
from pytest_diversity.located import located
from pytest_diversity.metrics import Metric, parse
from pytest_diversity.options import Options
from pytest_diversity.report.evidence import evidence
from pytest_diversity.report.progress import Console, DrawingProgress
from pytest_diversity.samples import SampleSet
from pytest_diversity.sampling import Engine, Progress
from pytest_diversity.sampling.device import Environment, environment
from pytest_diversity.sampling.draw import (
    Drawing,
    Identity,
    Plan,
    choose_prompts,
    draw,
    replayed,
)
from pytest_diversity.sources import Location, fingerprint, is_hub_name, locate
from pytest_diversity.store import Store

__all__ = ["Session"]

ENGINE = "transformers/1"


@dataclass(frozen=True, slots=True)
class _Found:
    """A checkpoint whose weights are here."""

    location: Location
    adapter: Path | None
    environment: Environment


class Session:
    """Everything that one configuration needs while its tests run."""

    def __init__(
        self, config: Config, options: Options, root: Path, console: Callable[[], Console] = Console
    ) -> None:
        """Hold the settings; open and load nothing yet.

        Args:
            config: Checkpoints, domains and budgets.
            options: Settings of the run.
            root: What relative paths of sources are relative to.
            console: Where progress is shown; asked for when there is some.
        """
        self.config = config
        self.options = options
        self.root = root
        self.events: list[dict[str, Any]] = []
        self._console = console
        self._features: dict[tuple[str, str], Features] = {}
        self._replays: dict[Path, SampleSet] = {}
        self._loaded: tuple[_Found, Engine] | None = None

    @cached_property
    def store(self) -> Store:
        """The sample store."""
        return Store(self.options.store)

    def close(self) -> None:
        """Release the model and close the store."""
        self._release()
        if "store" in self.__dict__:
            self.store.close()

    def check(self) -> None:
        """Find what is wrong with the configuration before anything is drawn.

        Raises:
            DiversityError: A path does not exist, a prompt file or a metric cannot be used.
        """
        for name, checkpoint in self.config.checkpoints.items():
            with located(self.config.path, "checkpoints", name):
                self._check_sources(checkpoint)
        for name in self.config.domains:
            domain = self.domain(name)
            with located(self.config.path, "domains", name, "language"):
                KINDS[domain.kind].check(domain)
            with located(self.config.path, "domains", name, "prompts"):
                self._prompts(domain)
            for family, budget in domain.budgets.items():
                with located(self.config.path, "domains", name, "budget", family, "metric"):
                    self.metric(domain, family, budget.metric)

    def _check_sources(self, checkpoint: Checkpoint) -> None:
        for source in filter(None, (checkpoint.source, checkpoint.adapter)):
            if not is_hub_name(source, self.root):
                locate(source, self.root)
        if checkpoint.source.startswith("replay:"):
            self._recorded(checkpoint)

    def domain(self, name: str) -> Domain:
        """The domain of that name, with the run's settings in place of its own."""
        domain = self.config.domain(name)
        changes: dict[str, Any] = {}
        if self.options.samples:
            changes["samples_per_prompt"] = self.options.samples
        if self.options.embedder:
            changes["embedder"] = self.options.embedder
        return replace(domain, **changes)

    def metric(self, domain: Domain, family: str, name: str | None = None) -> Metric:
        """The metric of a family: the one named, else the default of the domain's kind.

        Raises:
            ConfigError: The kind has none for the family, or the name is unknown or of another.
        """
        default = KINDS[domain.kind].metrics.get(family)
        if name is None and default is None:
            raise ConfigError(
                f"domain {domain.name!r} of kind {domain.kind!r} has no {family} metric",
                fix="name one with metric = ...",
            )
        metric = parse(name or str(default))
        if metric.definition.family != family:
            raise ConfigError(
                f"{metric} measures {metric.definition.family}, not {family}",
                fix=f"move the budget to {metric.definition.family!r}, or name another metric",
            )
        return metric

    def samples(self, checkpoint: str, domain: str) -> SampleSet:
        """The samples of a checkpoint in a domain, from the store where they are."""
        return self.features(checkpoint, domain).samples

    def features(self, checkpoint: str, domain: str) -> Features:
        """The features of those samples."""
        key = (checkpoint, domain)
        if key not in self._features:
            chosen, model = self.domain(domain), self.config.checkpoint(checkpoint)
            prompts = self._prompts(chosen)
            drawing = self._draw(model, chosen, prompts)
            self.events.append(
                {
                    "kind": "drawing",
                    "checkpoint": checkpoint,
                    "domain": domain,
                    "drawn": drawing.drawn,
                    "stored": drawing.stored,
                }
            )
            self._features[key] = self.features_of(drawing.samples, chosen, prompts)
        return self._features[key]

    def features_of(
        self, samples: SampleSet, domain: Domain, prompts: Mapping[str, Prompt] | None = None
    ) -> Features:
        """The features of samples at hand, with the session's embedder and its memory."""

        def embed(texts: Sequence[str]) -> NDArray[np.float32]:
            return self._embedder(domain)(texts)  # looked for only when a text is to be embedded

        prompts = self._prompts(domain) if prompts is None else prompts
        return features_of(samples, domain, embed, prompts)

    def estimate(self, checkpoint: str, domain: str, metric: str | Metric) -> Estimate:
        """A metric of a checkpoint in a domain."""
        return estimate(self.features(checkpoint, domain), parse(metric))

    def verdict(self, checkpoint: str, domain: str, family: str, budget: Budget) -> Verdict:
        """Judge a checkpoint's budget, and note the verdict for the summary."""
        reference = None
        if budget.compares and budget.reference != checkpoint:
            name = str(budget.reference)
            reference = (name, self.features(name, domain))
        features = self.features(checkpoint, domain)
        return self.judge(features, family, budget, checkpoint=checkpoint, reference=reference)

    def judge(
        self,
        features: Features,
        family: str,
        budget: Budget,
        *,
        checkpoint: str = "",
        reference: tuple[str, Features] | None = None,
    ) -> Verdict:
        """Judge a budget on features, and note the verdict for the summary."""
        metric = self.metric(features.domain, family, budget.metric)
        measured = estimate(features, metric)
        verdict = judge(
            measured,
            family,
            budget,
            checkpoint=checkpoint,
            reference=reference and self._compare(features, reference[0], reference[1], metric),
            evidence=lambda: evidence(features, measured),
        )
        self.events.append({"kind": "verdict", **verdict.as_dict()})
        return verdict

    def _compare(self, after: Features, name: str, before: Features, metric: Metric) -> Comparison:
        """Estimate both sides at equally many samples of each prompt."""
        kept, other = after.samples.matched(before.samples)
        if not len(kept):
            raise ConfigError(
                f"domain {after.domain.name!r}: no prompt of the reference {name!r} is among those "
                "of the checkpoint under test",
                fix="sample both sides on the same prompts",
            )
        sides = (self._same(before, other), self._same(after, kept))
        return Comparison(name, *(estimate(side, metric) for side in sides))

    def _same(self, features: Features, samples: SampleSet) -> Features:
        """`features`, computed anew only if `samples` are fewer than its own."""
        if samples == features.samples:
            return features
        return self.features_of(samples, features.domain, features.prompts)

    def _prompts(self, domain: Domain) -> Mapping[str, Prompt]:
        if domain.prompts is None:
            return {}
        return choose_prompts(load_prompts(domain.prompts, domain.root), domain.max_prompts)

    def _draw(
        self, checkpoint: Checkpoint, domain: Domain, prompts: Mapping[str, Prompt]
    ) -> Drawing:
        if checkpoint.source.startswith("replay:"):
            samples = self._recorded(checkpoint)
            return replayed(checkpoint, domain, samples, domain.samples_per_prompt)
        if not prompts:
            raise ConfigError(
                f"domain {domain.name!r} has no prompts to sample", fix='add prompts = "FILE.jsonl"'
            )
        found = self._find(checkpoint)
        plan = Plan(
            identity=self._identity(found),
            generation=replace(domain.generation, **checkpoint.generation),
            prompts=prompts,
            count=domain.samples_per_prompt,
        )
        return self._show(checkpoint, domain, found, plan)

    def _recorded(self, checkpoint: Checkpoint) -> SampleSet:
        """The samples of a `replay:` checkpoint, of all its domains; read once."""
        path = locate(checkpoint.source, self.root).path
        if path not in self._replays:
            self._replays[path] = SampleSet.from_jsonl(path)
        return self._replays[path]

    def _show(self, checkpoint: Checkpoint, domain: Domain, found: _Found, plan: Plan) -> Drawing:
        """Draw what is missing under a progress display."""
        label = f"diversity: {checkpoint.name} {domain.name}"
        shown: list[DrawingProgress] = []

        def start(total: int) -> Progress:
            shown.append(DrawingProgress(label, total, self._console()).__enter__())
            return shown[0]

        try:
            return draw(
                plan,
                self.store,
                lambda progress: self._engine(found, progress),
                start,
                found.environment.device,
            )
        finally:
            for progress in shown:
                progress.__exit__(None, None, None)

    def _find(self, checkpoint: Checkpoint) -> _Found:
        location = locate(checkpoint.source, self.root)
        adapter = (
            locate(checkpoint.adapter, self.root, "adapter").path if checkpoint.adapter else None
        )
        where = environment(self.options.device, self.options.dtype, self.store.facts)
        return _Found(location, adapter, where)

    def _identity(self, found: _Found) -> Identity:
        facts = self.store.facts
        adapter = found.adapter
        return Identity(
            weights=fingerprint(found.location, facts),
            adapter=fingerprint(Location("directory", adapter), facts) if adapter else None,
            engine=ENGINE,
            device=found.environment.device.partition(":")[0],
            dtype=found.environment.dtype,
            versions=found.environment.versions,
        )

    def _engine(self, found: _Found, progress: Progress) -> Engine:
        """The engine of a checkpoint; the one before is released first."""
        if self._loaded is None or self._loaded[0] != found:
            self._release()
            try:
                from pytest_diversity.sampling.transformers import (  # noqa: PLC0415 - imports torch
                    TransformersEngine,
                )
            except ImportError as error:
                raise MissingExtraError(
                    "sampling a model", package=error.name or "transformers", extra="sampling"
                ) from None
            weights = fingerprint(found.location, self.store.facts)
            cache = self.store.path.parent / "models" / f"{weights}-{found.environment.dtype}"
            engine = TransformersEngine(
                found.location, found.adapter, found.environment, progress, cache
            )
            self._loaded = (found, engine)
        return self._loaded[1]

    def _release(self) -> None:
        if self._loaded is not None:
            self._loaded[1].close()
            self._loaded = None

    def _embedder(self, domain: Domain) -> Embedder:
        location = locate(domain.embedder or default_source(), domain.root, "embedder")
        if location.kind != "directory":
            raise CheckpointError(
                f"embedder {domain.embedder!r} is not a model directory",
                fix="give a hub name, a directory or package:NAME/path",
            )
        if location.path not in self._embedders:
            memory = self.store.embeddings(fingerprint(location, self.store.facts))
            self._embedders[location.path] = Embedder(
                location.path, device=self.options.device, cache=memory
            )
        return self._embedders[location.path]

    @cached_property
    def _embedders(self) -> dict[Path, Embedder]:
        return {}
