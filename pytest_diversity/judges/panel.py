"""The judges of a run: found by name, with what they work with, and their scores remembered."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from pytest_diversity.config.options import Options
from pytest_diversity.config.quality import Quality
from pytest_diversity.config.values import Config, Domain
from pytest_diversity.judges import protocol, registry
from pytest_diversity.judges.protocol import Assessed, Texts
from pytest_diversity.judges.tools import Tools
from pytest_diversity.progress import EMBEDDING, JUDGING, Count, Work

if TYPE_CHECKING:  # opened and loaded where a judge needs them
    from pytest_diversity.sampling.asking import Asked
    from pytest_diversity.sampling.sampler import Sampler
    from pytest_diversity.store.sqlite import Store

__all__ = ["Panel"]


class _Embedder(Protocol):
    def __call__(self, texts: Sequence[str], count: Count, /) -> Any: ...

    def fingerprint(self, facts: Any, /) -> str: ...


class Panel:
    """Asks the judges that domains name."""

    def __init__(
        self,
        config: Config,
        options: Options,
        embedder: Callable[[Domain], _Embedder],
        store: Callable[[], Store],
        sampler: Callable[[], Sampler],
        *,
        count: Callable[[Domain, Work], Count],
    ) -> None:
        """Ask nothing yet.

        Args:
            config: Has the checkpoints that judge.
            options: Settings of the run.
            embedder: Gives that of a domain.
            store: Opens what remembers scores.
            sampler: Gives what asks checkpoints.
            count: Gives what shows how far a work for a domain is.
        """
        self._config = config
        self._options = options
        self._embedder = embedder
        self._store = store
        self._sampler = sampler
        self._count = count
        self._asked: dict[str, Asked] = {}

    def check(self, domain: Domain, quality: Quality) -> None:
        """Make sure that a judge that a domain names is one; load no model.

        Raises:
            ConfigError: It names none, or its threshold is none.
            CheckpointError: It names a model that is not there.
        """
        registry.check(quality, self._tools(domain))

    def assess(self, domain: Domain, quality: Quality, pairs: Sequence[Texts]) -> Assessed:
        """What a judge makes of answers, or of two each; what it said before is not asked again.

        Raises:
            DiversityError: It cannot be found, or fails.
        """
        judge = registry.find(quality, self._tools(domain))
        memory = self._store().scores(judge.key) if judge.kept else None
        return protocol.assess(judge, pairs, quality, memory, self._count(domain, JUDGING))

    def _tools(self, domain: Domain) -> Tools:
        return Tools(
            embed=lambda texts: self._embedder(domain)(texts, self._count(domain, EMBEDDING)),
            embedder=lambda: self._embedder(domain).fingerprint(self._store().facts),
            device=self._options.device,
            root=domain.root,
            facts=lambda: self._store().facts,
            folder=self._options.store.parent / "models",
            ask=self._ask,
            count=self._count(domain, JUDGING),
        )

    def _ask(self, name: str) -> Asked:
        """A checkpoint that judges."""
        if name not in self._asked:
            from pytest_diversity.sampling.asking import Asked  # noqa: PLC0415 - where one judges

            model, sampler = self._config.checkpoint(name), self._sampler()
            identity = f"{model.source}|{sampler.weights(model)}"
            self._asked[name] = Asked(model, identity, sampler.draw)
        return self._asked[name]
