"""The reports of a run: asked for on the command line, written when all verdicts are final."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import pytest

from pytest_diversity.events import Broken, Damaged, Drawn, Event, Judged, of
from pytest_diversity.plugin.header import short
from pytest_diversity.report.destinations import Destination, find, put
from pytest_diversity.report.run import RunReport, Subject, by_trouble, once_each
from pytest_diversity.report.subjects import subjects
from pytest_diversity.report.types import ReportError
from pytest_diversity.session import Session

__all__ = ["check", "told", "write"]

_ASKED = pytest.StashKey[list[Destination]]()


def check(config: pytest.Config) -> None:
    """Find out before anything is drawn that a report could not be written.

    Raises:
        ReportError: It could not.
    """
    asked = config.getoption("diversity_report")
    config.stash[_ASKED] = find(asked, config.invocation_params.dir, os.environ)


def told(
    session: pytest.Session,
    sessions: Mapping[Path | None, Session],
    events: Sequence[Event],
    said: Sequence[str],
) -> RunReport:
    """The run as its reports tell it.

    Args:
        session: Pytest's, which knows how the run ended.
        sessions: What was tested, by configuration file.
        events: Everything that happened.
        said: What the run has left to say.
    """
    root = session.config.rootpath
    judged = by_trouble(once_each(of(Judged, events)))
    drawings = tuple(of(Drawn, events))
    return RunReport(
        judged=judged,
        broken=tuple(of(Broken, events)),
        drawings=drawings,
        damages=tuple(of(Damaged, events)),
        said=tuple(said),
        subjects=tuple(_subjects(sessions, root, drawings, judged)),
        root=root,
        exit_status=int(session.exitstatus),
        time=datetime.now(UTC),
        version=version("pytest-diversity"),
    )


def _subjects(
    sessions: Mapping[Path | None, Session],
    root: Path,
    drawings: Sequence[Drawn],
    judged: Sequence[Judged],
) -> Iterator[Subject]:
    for path, session in sessions.items():
        config = short(path, root) if path else ""
        yield from subjects(
            session.workspace,
            [one for one in drawings if one.config == config],
            [one for one in judged if one.config == config],
        )


def write(session: pytest.Session, report: RunReport) -> Iterator[str]:
    """Write all reports that were asked for, and say where they are.

    One that cannot be written takes nothing from the verdict and from the others; a run that would
    have ended well ends with exit code 4, as after a usage error.
    """
    for one in session.config.stash[_ASKED]:
        try:
            put(one, report)
            yield f"{one.name} report: {short(one.path, session.config.rootpath)}"
        except ReportError as error:
            yield f"error: {one.name} report: {error}"
            if session.exitstatus in {pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED}:
                session.exitstatus = pytest.ExitCode.USAGE_ERROR
