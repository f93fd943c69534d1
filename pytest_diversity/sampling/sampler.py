"""From a configured checkpoint to its samples: found, loaded one at a time, drawn."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path

from pytest_diversity.checkpoints.sources import is_hub_name, kind_of, locate
from pytest_diversity.config.options import Options
from pytest_diversity.config.values import Checkpoint, Domain
from pytest_diversity.errors import ConfigError
from pytest_diversity.prompts import Prompt
from pytest_diversity.sampling import engines
from pytest_diversity.sampling.draw import Drawing, Shown, draw, missing
from pytest_diversity.sampling.engines.replay import Replay
from pytest_diversity.sampling.plan import Plan
from pytest_diversity.sampling.protocol import Engine, Model, Progress, Setup
from pytest_diversity.store.sqlite import Store

__all__ = ["Sampler"]


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
            options: Engine, device and number format.
            root: What relative paths of sources are relative to.
            store: Where samples are kept.
            show: Begins to show the drawing of a number of samples under a label.
        """
        self._setup = Setup(options, root, store.path.parent / "models", store.facts)
        self._store = store
        self._show = show
        self._replays: dict[str, Replay] = {}
        self._loaded: tuple[Model, Engine] | None = None

    def check(self, checkpoint: Checkpoint) -> None:
        """Find what is wrong with a checkpoint's sources without loading or downloading anything.

        Raises:
            DiversityError: A path does not exist, a file of samples cannot be read, or a server's
                URL cannot be used.
        """
        root = self._setup.root
        sources = {"checkpoint": checkpoint.source, "adapter": checkpoint.adapter}
        if kind_of(checkpoint.source, root) != "weights":
            self._find(checkpoint)
            del sources["checkpoint"]
        for what, source in sources.items():
            if source and not is_hub_name(source, root):
                locate(source, root, what)

    def draw(
        self, checkpoint: Checkpoint, domain: Domain, prompts: Mapping[str, Prompt]
    ) -> Drawing:
        """The samples of a checkpoint in a domain: recorded, from the store, or drawn.

        Raises:
            DiversityError: The checkpoint, the store or the sampling failed.
        """
        if not prompts and kind_of(checkpoint.source, self._setup.root) != "replay":
            raise ConfigError(
                f"domain {domain.name!r} has no prompts to sample", fix='add prompts = "FILE.jsonl"'
            )
        found = self._find(checkpoint)
        if isinstance(found, Replay):
            return found.draw(checkpoint, domain)
        label = f"diversity: {checkpoint.name} {domain.name}"
        return draw(
            _plan(found, checkpoint, domain, prompts),
            self._store,
            lambda progress: self._engine(found, progress),
            lambda total: self._show(label, total),
            lambda: self._turn(found),
        )

    def weights(self, checkpoint: Checkpoint) -> str:
        """A digest of what a checkpoint is: its model and adapter, or its file of samples."""
        return self._find(checkpoint).digest

    def origin(self, checkpoint: Checkpoint) -> Mapping[str, str]:
        """What draws a checkpoint's samples: engine, device, number format; nothing if recorded."""
        found = self._find(checkpoint)
        if isinstance(found, Replay):
            return {}
        return {name: getattr(found.identity, name) for name in ("engine", "device", "dtype")}

    def at_hand(
        self, checkpoint: Checkpoint, domain: Domain, prompts: Mapping[str, Prompt]
    ) -> bool:
        """Whether all samples of a checkpoint in a domain are recorded or in the store."""
        if is_hub_name(checkpoint.source, self._setup.root):
            return False  # to look for its samples, its weights would have to be downloaded
        recorded = isinstance(self._find(checkpoint), Replay)
        return recorded or self.stored(checkpoint, domain, prompts)

    def stored(self, checkpoint: Checkpoint, domain: Domain, prompts: Mapping[str, Prompt]) -> bool:
        """Whether the store has samples of a checkpoint in a domain, and all of them."""
        found = self._find(checkpoint)
        if isinstance(found, Replay) or not prompts:
            return False
        return not missing(_plan(found, checkpoint, domain, prompts), self._store)

    def close(self) -> None:
        """Release the model."""
        if self._loaded is not None:
            self._loaded[1].close()
            self._loaded = None

    def _find(self, checkpoint: Checkpoint) -> Model | Replay:
        """Weights are looked at each time, for they may be trained on; recorded samples once."""
        known = self._replays.get(checkpoint.source)
        found = known or engines.find(checkpoint, self._setup)
        if isinstance(found, Replay):
            self._replays[checkpoint.source] = found
        return found

    @contextmanager
    def _turn(self, model: Model) -> Iterator[None]:
        """While this process may draw where `model` runs."""
        with self._store.lock(model.place, "draws there, too") if model.place else nullcontext():
            try:
                yield
            finally:
                if model.shared:
                    self.close()

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


def _plan(
    model: Model, checkpoint: Checkpoint, domain: Domain, prompts: Mapping[str, Prompt]
) -> Plan:
    return Plan(
        identity=model.identity,
        generation=replace(domain.generation, **checkpoint.generation),
        prompts=prompts,
        count=domain.samples_per_prompt,
        source=domain.prompts or "",
        domain=domain.name,
    )
