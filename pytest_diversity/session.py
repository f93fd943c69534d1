"""A configuration under test: its workspace, its judge, and what a run has to say of both."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from pytest_diversity.config.options import Options
from pytest_diversity.config.toml import located
from pytest_diversity.config.values import Config
from pytest_diversity.events import Damaged, Event
from pytest_diversity.gate.bounds import check_reachable
from pytest_diversity.gate.judge import Judge
from pytest_diversity.report.evidence import evidence
from pytest_diversity.report.progress import Console, saying, showing
from pytest_diversity.workspace import Workspace

__all__ = ["Session"]


class Session:
    """What tests and studies hold while they run.

    Attributes:
        workspace: Samples, features and estimates.
        judge: Verdicts on them.
    """

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
        self.workspace = Workspace(config, options, root, showing(console), saying(console))
        self.judge = Judge(self.workspace, evidence)

    @property
    def config(self) -> Config:
        """Checkpoints, domains and budgets."""
        return self.workspace.config

    @property
    def options(self) -> Options:
        """Settings of the run."""
        return self.workspace.options

    def check(self) -> None:
        """Find what is wrong with the configuration before anything is drawn.

        Raises:
            DiversityError: A path does not exist, a prompt file or a metric cannot be used.
        """
        self.judge.baselines.check()
        self.workspace.check()
        for name, domain in self.config.domains.items():
            for family, budget in domain.budgets.items():
                keys = ("domains", name, "budget", family)
                with located(self.config.path, *keys, "metric"):
                    metric = self.workspace.metric(domain, family, budget.metric)
                with located(self.config.path, *keys):
                    check_reachable(budget, metric)

    def drain(self) -> list[Event]:
        """What happened since the last call."""
        events, self.workspace.events = self.workspace.events, []
        losses = self.workspace.store.losses()
        return [*events, Damaged(*losses)] if any(losses) else events

    def close(self) -> None:
        """Release models and close the store."""
        self.workspace.close()
