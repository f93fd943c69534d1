"""From a configured checkpoint to its samples: found, loaded one at a time, drawn."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, MutableMapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path

from pytest_diversity.checkpoints.sources import fingerprint, is_hub_name, is_server, locate
from pytest_diversity.config.options import Options
from pytest_diversity.config.values import Checkpoint, Domain
from pytest_diversity.errors import ConfigError, did_you_mean
from pytest_diversity.prompts import Prompt
from pytest_diversity.samples import SampleSet
from pytest_diversity.sampling.draw import Drawing, Plan, Shown, draw, missing, replayed
from pytest_diversity.sampling.engines import openai, ray, vllm
from pytest_diversity.sampling.engines import registered as custom
from pytest_diversity.sampling.engines.transformers import local
from pytest_diversity.sampling.protocol import Engine, Model, Progress
from pytest_diversity.store.sqlite import Store

__all__ = ["Sampler", "check_engine"]

Finder = Callable[[Checkpoint, Options, Path, Path, MutableMapping[str, str]], Model]
_FINDERS: Mapping[str, Finder] = {
    "transformers": local.find,
    "vllm": vllm.find,
    "ray": ray.find,
}


def check_engine(options: Options) -> None:
    """Refuse an engine that is not known.

    Raises:
        ConfigError: It is not.
    """
    if options.engine not in _FINDERS:
        raise ConfigError(
            f"unknown engine {options.engine!r} ({options.source('engine')})",
            fix=did_you_mean(options.engine, _FINDERS),
        )


class Sampler:
    """Draws samples of checkpoints, with at most one model in memory."""

    def __init__(
        self,
        options: Options,
        root: Path,
        store: Store,
        show: Callable[[str, int], AbstractContextManager[Shown]],
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
        self._loaded: tuple[Model, Engine] | None = None

    def check(self, checkpoint: Checkpoint) -> None:
        """Find what is wrong with a checkpoint's sources without loading or downloading anything.

        Raises:
            DiversityError: A path does not exist, a file of samples cannot be read, or a server's
                URL cannot be used.
        """
        if _elsewhere(checkpoint, self._root) is not None:
            return
        for what, source in (("checkpoint", checkpoint.source), ("adapter", checkpoint.adapter)):
            if source and not is_hub_name(source, self._root):
                locate(source, self._root, what)
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
        model = self._find(checkpoint)
        plan = self._plan(model, checkpoint, domain, prompts)
        label = f"diversity: {checkpoint.name} {domain.name}"
        return draw(
            plan,
            self._store,
            lambda progress: self._engine(model, progress),
            lambda total: self._show(label, total),
            lambda: self._turn(model),
        )

    def weights(self, checkpoint: Checkpoint) -> str:
        """A digest of what a checkpoint is: its model and adapter, or its file of samples."""
        elsewhere = _elsewhere(checkpoint, self._root)
        if elsewhere is not None:
            return hashlib.sha256(elsewhere.identity.weights.encode()).hexdigest()[:16]
        facts: MutableMapping[str, str] = self._store.facts
        if checkpoint.source.startswith("replay:"):
            facts = {}  # no store is made for the sake of a digest
        parts = [fingerprint(locate(checkpoint.source, self._root), facts)]
        if checkpoint.adapter:
            parts.append(fingerprint(locate(checkpoint.adapter, self._root, "adapter"), facts))
        return "+".join(part[:16] for part in parts)

    def origin(self, checkpoint: Checkpoint) -> Mapping[str, str]:
        """What draws a checkpoint's samples: engine, device, number format; nothing if recorded."""
        if checkpoint.source.startswith("replay:"):
            return {}
        identity = self._find(checkpoint).identity
        return {name: getattr(identity, name) for name in ("engine", "device", "dtype")}

    def at_hand(
        self, checkpoint: Checkpoint, domain: Domain, prompts: Mapping[str, Prompt]
    ) -> bool:
        """Whether all samples of a checkpoint in a domain are recorded or in the store."""
        if checkpoint.source.startswith("replay:"):
            return True
        if is_hub_name(checkpoint.source, self._root):
            return False  # to look for its samples, its weights would have to be downloaded
        plan = self._plan(self._find(checkpoint), checkpoint, domain, prompts)
        return not missing(plan, self._store)

    def _plan(
        self,
        model: Model,
        checkpoint: Checkpoint,
        domain: Domain,
        prompts: Mapping[str, Prompt],
    ) -> Plan:
        return Plan(
            identity=model.identity,
            generation=replace(domain.generation, **checkpoint.generation),
            prompts=prompts,
            count=domain.samples_per_prompt,
            source=domain.prompts or "",
        )

    @contextmanager
    def _turn(self, model: Model) -> Iterator[None]:
        """While this process may draw where `model` runs."""
        with self._store.lock(model.place) if model.place else nullcontext():
            try:
                yield
            finally:
                if model.shared:
                    self.close()

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

    def _find(self, checkpoint: Checkpoint) -> Model:
        elsewhere = _elsewhere(checkpoint, self._root)
        if elsewhere is not None:
            return elsewhere
        store = self._store
        folder = store.path.parent / "models"
        find = _FINDERS[self._options.engine]
        return find(checkpoint, self._options, self._root, folder, store.facts)

    def _engine(self, model: Model, progress: Progress) -> Engine:
        """The engine of a checkpoint: the one before if it can serve, else that is released."""
        engine = self._serving(*self._loaded, model) if self._loaded else None
        if engine is None:
            self.close()
            engine = model.load(progress)
        self._loaded = (model, engine)
        return engine

    def _serving(self, before: Model, engine: Engine, model: Model) -> Engine | None:
        try:
            return engine if before == model or engine.swap(model) else None
        except BaseException:
            self.close()
            raise


def _elsewhere(checkpoint: Checkpoint, root: Path) -> Model | None:
    """A checkpoint that has no weights here: on a server, or behind a registered function."""
    if is_server(checkpoint.source):
        return openai.find(checkpoint)
    return custom.find(checkpoint, root)
