"""From a configured checkpoint to its samples: found, loaded one at a time, drawn."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from pytest_diversity.checkpoints.sources import (
    demand_downloaded,
    is_downloaded,
    is_hub_name,
    kind_of,
    under,
)
from pytest_diversity.checkpoints.templates import clock_formats
from pytest_diversity.config.options import Options
from pytest_diversity.config.values import Checkpoint, Domain
from pytest_diversity.errors import ConfigError
from pytest_diversity.files import read_text
from pytest_diversity.findings import Looking
from pytest_diversity.prompts import Prompt
from pytest_diversity.sampling import engines
from pytest_diversity.sampling.device import environment
from pytest_diversity.sampling.draw import Shown, draw, missing
from pytest_diversity.sampling.drawing import Drawing
from pytest_diversity.sampling.plan import Plan
from pytest_diversity.sampling.protocol import (
    NO_TEMPLATE,
    Chat,
    Engine,
    Identity,
    Model,
    Progress,
    Readied,
    Request,
    Setup,
    WritesPrompts,
)
from pytest_diversity.store.sqlite import Store

__all__ = ["Sampler"]

_NOT_HERE = Identity("", None, "", "", "", "")  # of which no store has samples
_TO_THE_SECOND = "%Y-%m-%d %H:%M:%S"
_READS_THE_CLOCK = (
    "its chat template writes the date into prompts, so that another day's samples are others; "
    'today = "2026-01-31" in the checkpoint fixes it'
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
            options: Engine, device and number format.
            root: What relative paths of sources are relative to.
            store: Where samples are kept.
            show: Begins to show the drawing of a number of samples under a label.
        """
        self._setup = Setup(options, root, store.path.parent / "models", store.facts)
        self._store = store
        self._show = show
        self._clocks: dict[str, tuple[str, ...]] = {}
        self._now = datetime.now().astimezone()  # one clock for all of a run
        self._loaded: tuple[Model, Engine] | None = None

    def check(self, checkpoint: Checkpoint, looking: Looking = nullcontext) -> None:
        """Find what is wrong with a checkpoint's sources without loading or downloading anything.

        Args:
            checkpoint: Its sources.
            looking: What becomes of an error in one of its parts.

        Raises:
            DiversityError: A path does not exist, or a server's URL cannot be used.
        """
        with looking():
            _template(checkpoint, self._setup.root)
        engines.check(checkpoint, self._setup, looking)

    def check_device(self, checkpoints: Iterable[Checkpoint]) -> None:
        """Find whether the device that was named is here, where one of the checkpoints needs it.

        torch is asked only where no run on this machine has asked before; nothing is remembered.

        Raises:
            ConfigError: It is not.
            MissingExtraError: torch is not installed.
        """
        options, root = self._setup.options, self._setup.root
        weights = any(kind_of(one.source, root) == "weights" for one in checkpoints)
        if weights and engines.runs_here(options) and options.device not in {"auto", "cpu"}:
            environment(options.device, options.dtype, ChainMap({}, self._setup.facts))

    def check_prompts(
        self, checkpoint: Checkpoint, domain: Domain, prompts: Mapping[str, Prompt]
    ) -> None:
        """Refuse prompts, of those to be drawn, that a model cannot read; load none.

        A hub id is downloaded, as it would be for the first test that draws.

        Raises:
            DiversityError: Its tokenizer, its template or its adapter cannot be read, its template
                refuses a prompt, or one leaves no room for its answer.
        """
        found = self._find(checkpoint)
        if isinstance(found, WritesPrompts):
            wanted = missing(self._plan(found, checkpoint, domain, prompts), self._store)
            if wanted:
                found.check(wanted)

    def ready(self, checkpoint: Checkpoint) -> str:
        """Make sure that a checkpoint could be drawn from, without loading or downloading it.

        Returns:
            What it is, in a few words.

        Raises:
            DiversityError: A library is not installed, its tokenizer cannot be read, its server
                does not answer, or the hub does not have it.
            DoubtError: It is on the hub and was not downloaded yet, or has no chat template.
        """
        root = self._setup.root
        for source in filter(None, (checkpoint.source, checkpoint.adapter)):
            if is_hub_name(source, root):
                demand_downloaded(source)
        found = self._find(checkpoint)
        return found.ready(self._chat(found, checkpoint)) if isinstance(found, Readied) else ""

    def draw(
        self, checkpoint: Checkpoint, domain: Domain, prompts: Mapping[str, Prompt]
    ) -> Drawing:
        """The samples of a checkpoint in a domain: from the store, or drawn.

        Raises:
            DiversityError: The checkpoint, the store or the sampling failed.
        """
        if not prompts:
            raise ConfigError(
                f"domain {domain.name!r} has no prompts to sample", fix='add prompts = "FILE.jsonl"'
            )
        found = self._find(checkpoint)
        plan = self._plan(found, checkpoint, domain, prompts)

        def engine(progress: Progress) -> Engine:
            if plan.chat.clock and checkpoint.today is None:
                progress.say(_READS_THE_CLOCK)
            return self._engine(found, progress)

        label = f"diversity: {checkpoint.name} {domain.name}"
        return draw(
            plan,
            self._store,
            engine,
            lambda total: self._show(label, total),
            lambda: self._turn(found),
        )

    def weights(self, checkpoint: Checkpoint) -> str:
        """A digest of what a checkpoint is: its model and adapter."""
        return self._find(checkpoint).digest

    def origin(self, checkpoint: Checkpoint) -> Mapping[str, str]:
        """What draws a checkpoint's samples: engine, device, number format."""
        found = self._find(checkpoint)
        return {name: getattr(found.identity, name) for name in ("engine", "device", "dtype")}

    def at_hand(
        self, checkpoint: Checkpoint, domain: Domain, prompts: Mapping[str, Prompt]
    ) -> bool:
        """Whether all samples of a checkpoint in a domain are in the store."""
        if is_hub_name(checkpoint.source, self._setup.root):
            return False  # to look for its samples, its weights would have to be downloaded
        return self.stored(checkpoint, domain, prompts)

    def stored(self, checkpoint: Checkpoint, domain: Domain, prompts: Mapping[str, Prompt]) -> bool:
        """As `at_hand`, of weights that are looked for wherever they are."""
        plan = self._plan(self._find(checkpoint), checkpoint, domain, prompts)
        return bool(prompts) and not missing(plan, self._store)

    def lacking(
        self, checkpoint: Checkpoint, domain: Domain, prompts: Mapping[str, Prompt]
    ) -> list[Request]:
        """What of a checkpoint's samples the store does not have.

        Of weights that are on the hub and not on this machine, all of it: nothing is downloaded.
        """
        sources = filter(None, (checkpoint.source, checkpoint.adapter))
        root = self._setup.root
        if any(is_hub_name(one, root) and not is_downloaded(one) for one in sources):
            generation = replace(domain.generation, **checkpoint.generation)
            plan = Plan(_NOT_HERE, generation, prompts, domain.samples_per_prompt)
        else:
            plan = self._plan(self._find(checkpoint), checkpoint, domain, prompts)
        return missing(plan, self._store)

    def close(self) -> None:
        """Release the model."""
        if self._loaded is not None:
            self._loaded[1].close()
            self._loaded = None

    def _find(self, checkpoint: Checkpoint) -> Model:
        """It is looked at each time, for it may be trained on."""
        return engines.find(checkpoint, self._setup)

    @contextmanager
    def _turn(self, model: Model) -> Iterator[None]:
        """While this process may draw where `model` runs."""
        with self._store.lock(model.place, "draws there, too") if model.place else nullcontext():
            try:
                yield
            finally:
                if model.shared:
                    self.close()

    def _plan(
        self, model: Model, checkpoint: Checkpoint, domain: Domain, prompts: Mapping[str, Prompt]
    ) -> Plan:
        generation = replace(domain.generation, **checkpoint.generation)
        begun = [prompt.id for prompt in prompts.values() if prompt.prefill]
        if begun and generation.mode == "verbalized":
            raise ConfigError(
                f"prompt {begun[0]!r} begins the answer, and verbalized answers are JSON",
                fix='remove the prefill, or set mode = "direct"',
            )
        return Plan(
            identity=model.identity,
            generation=generation,
            prompts=prompts,
            count=domain.samples_per_prompt,
            source=domain.prompts or "",
            chat=self._chat(model, checkpoint),
            domain=domain.name,
        )

    def _chat(self, model: Model, checkpoint: Checkpoint) -> Chat:
        """How a model that is run here is spoken to, and what its template reads of the clock."""
        if not isinstance(model, WritesPrompts):
            return Chat()
        template, name = _template(checkpoint, self._setup.root), checkpoint.name
        if name not in self._clocks:
            self._clocks[name] = clock_formats(*([template] if template else model.templates))
        today = checkpoint.today
        now = datetime.fromisoformat(today) if today else self._now
        clock = {form: now.strftime(form or _TO_THE_SECOND) for form in self._clocks[name]}
        return Chat(template, checkpoint.chat_template_kwargs, clock)

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


def _template(checkpoint: Checkpoint, root: Path) -> str | None:
    """The source of a checkpoint's own chat template: `none`, Jinja, or a file of it.

    Raises:
        ConfigError: The file cannot be read.
    """
    given = checkpoint.template
    if given is None or given == NO_TEMPLATE or "{%" in given or "{{" in given:
        return given
    return read_text(under(root, given), ConfigError)
