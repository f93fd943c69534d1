"""Reports of a training, as those of a run of pytest: its curves by step, and every verdict."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from pytest_diversity.events import Judged
from pytest_diversity.report.destinations import find, put
from pytest_diversity.report.run import RunReport, by_trouble
from pytest_diversity.verdict import Verdict
from pytest_diversity.workspace import Workspace

__all__ = ["Reports"]


class Reports:
    """Where the reports of a training go."""

    def __init__(self, workspace: Workspace, asked: Sequence[str]) -> None:
        """Write nothing yet.

        Args:
            workspace: Of the configuration that the budgets are from.
            asked: Each as `TYPE` or `TYPE:FILE`.

        Raises:
            ReportError: One could not be written.
        """
        self._destinations = find(asked, Path.cwd(), os.environ)
        self._workspace = workspace

    def write(self, verdicts: Iterable[Verdict]) -> None:
        """Write all of them anew.

        Raises:
            ReportError: One cannot be written.
        """
        if not self._destinations:
            return
        strict, file = self._workspace.options.strict, self._workspace.config.path
        config = file.name if file else ""
        judged = [
            Judged(one, config, one.fails(strict=strict), f"{one.run} {one.checkpoint}", config)
            for one in verdicts
        ]
        report = RunReport(
            judged=by_trouble(judged),
            broken=(),
            drawings=(),
            damages=(),
            said=(),
            subjects=(),
            root=self._workspace.root,
            exit_status=int(any(one.fails for one in judged)),
            time=datetime.now(UTC),
            version=version("pytest-diversity"),
        )
        for one in self._destinations:
            put(one, report)
