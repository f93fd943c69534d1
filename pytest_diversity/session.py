"""A configuration under test: its workspace, its judge, and what a run has to say of both."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from pytest_diversity.config.options import Options
from pytest_diversity.config.values import Config
from pytest_diversity.events import Damaged, Event
from pytest_diversity.findings import Look, strictly
from pytest_diversity.gate.bounds import Gate
from pytest_diversity.gate.judge import Evidence, Judge
from pytest_diversity.progress import DRAWING, Work
from pytest_diversity.resources import Resources
from pytest_diversity.validation import check_prompts, validate
from pytest_diversity.workspace import Workspace

if TYPE_CHECKING:  # loaded when there is something to show
    from pytest_diversity.report.progress import Console, DrawingProgress

__all__ = ["Session", "UnderTest"]


class UnderTest(NamedTuple):
    """A checkpoint, by its name, and where it is tested.

    Reports that show what a test is parametrised by show the name: it is the same in every run.
    """

    session: Session
    name: str

    def __repr__(self) -> str:
        return self.name


class Session:
    """What tests and studies hold while they run.

    Attributes:
        workspace: Samples, features and estimates.
        judge: Verdicts on them.
        tests: Ids of the tests in Python that take a checkpoint.
    """

    def __init__(
        self,
        config: Config,
        options: Options,
        root: Path,
        console: Callable[[], Console] | None = None,
    ) -> None:
        """Hold the settings; open and load nothing yet.

        Args:
            config: Checkpoints, domains and budgets.
            options: Settings of the run.
            root: What relative paths of sources are relative to.
            console: Where progress is shown, asked for when there is some; standard error if None.
        """
        self._console = console
        self.tests: Sequence[str] = ()
        self.workspace = Workspace(Resources(config, options, root, self._show, self._say))
        self.judge = Judge(self.workspace, _evidence)

    def _show(self, label: str, total: int, work: Work = DRAWING) -> DrawingProgress:
        from pytest_diversity.report.progress import Console, showing  # noqa: PLC0415 - as above

        return showing(self._console or Console)(label, total, work)

    def _say(self, message: str) -> None:
        from pytest_diversity.report.progress import Console, saying  # noqa: PLC0415 - as above

        saying(self._console or Console)(message)

    @property
    def config(self) -> Config:
        """Checkpoints, domains and budgets."""
        return self.workspace.config

    @cached_property
    def under_test(self) -> tuple[UnderTest, ...]:
        """The checkpoints under test; always the same objects, by which pytest knows parameters."""
        return tuple(UnderTest(self, name) for name in self.config.selected)

    @property
    def options(self) -> Options:
        """Settings of the run."""
        return self.workspace.options

    def check(self, look: Look = strictly) -> None:
        """Find what is wrong with the configuration before anything is drawn.

        Args:
            look: What becomes of an error; the first one is raised, unless it notes them.

        Raises:
            DiversityError: A path does not exist, a prompt file or a metric cannot be used.
        """
        with look("baselines"):
            if self.judge.records:
                self.judge.baselines.check()
        validate(self.workspace, look)

    def check_prompts(self, gates: Iterable[Gate]) -> None:
        """Find what models cannot read of what gates ask of them, before any is loaded.

        Raises:
            DiversityError: A chat template refuses a prompt, or a context has no room for it.
        """
        check_prompts(self.workspace, gates)

    def drain(self) -> list[Event]:
        """What happened since the last call."""
        events, self.workspace.events = self.workspace.events, []
        losses = self.workspace.resources.losses()
        return [*events, Damaged(*losses)] if any(losses) else events

    def close(self) -> None:
        """Release models and close the store."""
        self.workspace.close()


def _evidence() -> Evidence:
    from pytest_diversity.report.evidence import evidence  # noqa: PLC0415 - under a missed budget

    return evidence
