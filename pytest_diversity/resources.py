"""What a run opens once, when it is first asked for: store, sampler, embedders, judges, sandbox."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from pytest_diversity.checkpoints import sources
from pytest_diversity.config.options import Options
from pytest_diversity.config.values import Checkpoint, Config, Domain
from pytest_diversity.domains import kind_of
from pytest_diversity.features import Execute
from pytest_diversity.progress import DRAWING, EXECUTING, Count, Work
from pytest_diversity.sampling.replay import Replays

if TYPE_CHECKING:  # rooms that a run enters when it needs them
    from pytest_diversity.cluster.ray import Cluster
    from pytest_diversity.features.embeddings import Embedder
    from pytest_diversity.judges.panel import Panel
    from pytest_diversity.sampling.draw import Shown
    from pytest_diversity.sampling.sampler import Sampler
    from pytest_diversity.sandbox import Execution, Program, Sandbox
    from pytest_diversity.store.sqlite import Store

__all__ = ["Resources", "Show"]


class Show(Protocol):
    """Begins to show how far a work is."""

    def __call__(
        self, label: str, total: int, work: Work = DRAWING, /
    ) -> AbstractContextManager[Shown]:
        """The progress of `total` parts, for whom `label` says."""


class Resources:
    """What the configurations of a run are measured with.

    Attributes:
        config: The run's; its checkpoints may judge what those of others answer.
        options: Settings of the run.
        root: What relative paths of sources are relative to.
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
        self._show = show
        self._say = say
        self._replays = Replays(root)
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

    def source(self, checkpoint: Checkpoint) -> Replays | Sampler:
        """What a checkpoint's samples are from: a recording, or what draws them."""
        return self._replays if self.is_recorded(checkpoint) else self.sampler

    def is_recorded(self, checkpoint: Checkpoint) -> bool:
        """Whether a checkpoint's samples are in a file that somebody recorded."""
        return sources.kind_of(checkpoint.source, self.root) == "replay"

    def executes(self, domain: Domain) -> bool:
        """Whether the programs of a domain are run."""
        allowed = self.options.allow_execution or self.options.unsafe_code
        return (allowed or domain.execution == "sandbox") and kind_of(domain).runs_programs

    def sandbox(self, language: str) -> Sandbox:
        """What programs of a language are run in.

        Raises:
            SandboxUnavailable: No sandbox holds here, or the language cannot be run.
        """
        from pytest_diversity.sandbox import Sandbox  # noqa: PLC0415 - where programs are run

        return Sandbox(language=language, unsafe=self.options.unsafe_code)

    def executor(self, domain: Domain, whose: str) -> Execute | None:
        """What runs the programs of a domain; the sandbox is looked for when there are some."""
        if not self.executes(domain):
            return None

        def execute(programs: Sequence[Program]) -> list[Execution]:
            from pytest_diversity.features.outcomes import Executor  # noqa: PLC0415 - likewise
            from pytest_diversity.sandbox.nodes import Sandboxes  # noqa: PLC0415 - likewise

            sandbox = self.sandbox(domain.language)
            memory = self.store.executions(sandbox.key)
            runs = Sandboxes(sandbox, self.cluster) if self.cluster else sandbox
            count = self.count(domain, EXECUTING, whose)
            lock = partial(self.store.lock, "execution", "runs programs")
            return Executor(runs, memory, lock, count)(programs)

        return execute

    def unexecuted(self, domain: Domain, programs: Sequence[Program]) -> int:
        """How many different programs were not executed before in this sandbox; none is run."""
        known = self.store.executions(self.sandbox(domain.language).key)
        return sum(key not in known for key in {program.key for program in programs})

    def count(self, domain: Domain, work: Work, whose: str = "") -> Count:
        """What shows how far a work is."""
        label = " ".join(filter(None, ("diversity:", whose, domain.name)))
        return lambda total: self._show(label, total, work)

    @cached_property
    def panel(self) -> Panel:
        """The judges of quality."""
        from pytest_diversity.judges.panel import Panel  # noqa: PLC0415 - where one is asked

        return Panel(
            self.config,
            self.options,
            self.embedder,
            lambda: self.store,
            lambda: self.sampler,
            count=self.count,
        )

    def embedder(self, domain: Domain) -> Embedder:
        """The sentence embedder of a domain, with the memory of what it embedded.

        Raises:
            DiversityError: It cannot be found.
        """
        from pytest_diversity.features import embeddings  # noqa: PLC0415 - where texts are embedded

        path = embeddings.find(domain.embedder, domain.root)
        if path not in self._embedders:
            embedder = embeddings.Embedder(path, device=self.options.device)
            embedder.cache = self.store.embeddings(embedder.fingerprint(self.store.facts))
            self._embedders[path] = embedder
        return self._embedders[path]
