"""From a configured checkpoint to its samples: found, loaded one at a time, drawn."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path

from pytest_diversity.config import Checkpoint, Domain
from pytest_diversity.domains.prompt import Prompt
from pytest_diversity.errors import ConfigError, MissingExtraError
from pytest_diversity.options import Options
from pytest_diversity.samples import SampleSet
from pytest_diversity.sampling import Engine, Progress
from pytest_diversity.sampling.device import Environment, environment
from pytest_diversity.sampling.draw import Drawing, Identity, Plan, draw, replayed
from pytest_diversity.sources import Location, fingerprint, is_hub_name, locate
from pytest_diversity.store import Store

__all__ = ["Sampler"]

Shown = AbstractContextManager[Progress]

ENGINE = "transformers/1"  # part of every key: raised when the engine draws other texts


@dataclass(frozen=True, slots=True)
class _Found:
    """A checkpoint whose weights are here."""

    location: Location
    adapter: Location | None
    environment: Environment


class Sampler:
    """Draws samples of checkpoints, with at most one model in memory."""

    def __init__(
        self, options: Options, root: Path, store: Store, show: Callable[[str, int], Shown]
    ) -> None:
        """Hold the settings; load nothing yet.

        Args:
            options: Device and number format.
            root: What relative paths of sources are relative to.
            store: Where samples are kept.
            show: Begins to show the drawing of a number of samples under a label.
        """
        self._options = options
        self._root = root
        self._store = store
        self._show = show
        self._replays: dict[Path, SampleSet] = {}
        self._loaded: tuple[_Found, Engine] | None = None

    def check(self, checkpoint: Checkpoint) -> None:
        """Find what is wrong with a checkpoint's sources without loading or downloading anything.

        Raises:
            DiversityError: A path does not exist, or a file of samples cannot be read.
        """
        for source in filter(None, (checkpoint.source, checkpoint.adapter)):
            if not is_hub_name(source, self._root):
                locate(source, self._root)
        if checkpoint.source.startswith("replay:"):
            self._recorded(checkpoint)

    def draw(
        self, checkpoint: Checkpoint, domain: Domain, prompts: Mapping[str, Prompt]
    ) -> Drawing:
        """The samples of a checkpoint in a domain: recorded, from the store, or drawn.

        Raises:
            DiversityError: The checkpoint, the store or the sampling failed.
        """
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
        label = f"diversity: {checkpoint.name} {domain.name}"
        return draw(
            plan,
            self._store,
            lambda progress: self._engine(found, progress),
            lambda total: self._show(label, total),
            found.environment.device,
        )

    def close(self) -> None:
        """Release the model."""
        if self._loaded is not None:
            self._loaded[1].close()
            self._loaded = None

    def _recorded(self, checkpoint: Checkpoint) -> SampleSet:
        """The samples of a `replay:` checkpoint, of all its domains; read once."""
        path = locate(checkpoint.source, self._root).path
        if path not in self._replays:
            self._replays[path] = SampleSet.from_jsonl(path)
        return self._replays[path]

    def _find(self, checkpoint: Checkpoint) -> _Found:
        options, adapter = self._options, checkpoint.adapter
        return _Found(
            locate(checkpoint.source, self._root),
            locate(adapter, self._root, "adapter") if adapter else None,
            environment(options.device, options.dtype, self._store.facts),
        )

    def _identity(self, found: _Found) -> Identity:
        facts = self._store.facts
        return Identity(
            weights=fingerprint(found.location, facts),
            adapter=fingerprint(found.adapter, facts) if found.adapter else None,
            engine=ENGINE,
            device=found.environment.device.partition(":")[0],
            dtype=found.environment.dtype,
            versions=found.environment.versions,
        )

    def _engine(self, found: _Found, progress: Progress) -> Engine:
        """The engine of a checkpoint; the one before is released first."""
        if self._loaded is None or self._loaded[0] != found:
            self.close()
            self._loaded = (found, self._load(found, progress))
        return self._loaded[1]

    def _load(self, found: _Found, progress: Progress) -> Engine:
        try:
            from pytest_diversity.sampling.transformers import (  # noqa: PLC0415 - imports torch
                TransformersEngine,
            )
        except ImportError as error:
            raise MissingExtraError(
                "sampling a model", package=error.name or "transformers", extra="sampling"
            ) from None
        weights = fingerprint(found.location, self._store.facts)
        return TransformersEngine(
            found.location,
            found.adapter.path if found.adapter else None,
            found.environment,
            progress,
            self._store.path.parent / "models" / f"{weights}-{found.environment.dtype}",
        )
