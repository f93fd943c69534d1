"""What a report of pytest carries of a test: its events, and our own errors in their own words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from traceback import format_exception

import pytest

from pytest_diversity.config.toml import line_of
from pytest_diversity.errors import BudgetFailure, DiversityError, first_line
from pytest_diversity.events import Broken, Drawn, Event, Judged, to_json
from pytest_diversity.gate.bounds import Gate
from pytest_diversity.plugin.header import short
from pytest_diversity.plugin.properties import annotate_item
from pytest_diversity.session import Session

__all__ = ["annotate", "without_cause"]


@contextmanager
def without_cause(call: pytest.CallInfo[None]) -> Iterator[None]:
    """Inside, an error of ours has no cause, which pytest would show and we do not.

    To show a library's frames it parses the library, for which there may be neither time nor room.
    """
    error = None if call.excinfo is None else call.excinfo.value
    if not isinstance(error, DiversityError):
        yield
        return
    cause, error.__cause__ = error.__cause__, None
    try:
        yield
    finally:
        error.__cause__ = cause


def annotate(
    item: pytest.Item,
    call: pytest.CallInfo[None],
    report: pytest.TestReport,
    sessions: Mapping[Path | None, Session],
) -> None:
    """Attach what was drawn and judged to the report, and say our own errors in their own words.

    Args:
        item: The test.
        call: Its part that has just been run.
        report: What pytest makes of that part.
        sessions: Those of the run, by the file that configures each.
    """
    events = list(_events(item, call, report, sessions))
    verdicts = [event.verdict for event in events if isinstance(event, Judged)]
    if verdicts or call.when == "setup":
        annotate_item(item, verdicts, begins=call.when == "setup")
        report.user_properties = list(item.user_properties)
    if events:
        report.diversity = list(map(to_json, events))  # type: ignore[attr-defined] # carried along, xdist included
    if call.excinfo is None:
        return
    error = call.excinfo.value
    # A plugin that ends a test, as of one that takes too long, does so by `pytest.fail`.
    ended = isinstance(error, BudgetFailure | pytest.fail.Exception)
    of_file = not isinstance(item, pytest.Function)  # where no line of a test is to be shown
    if isinstance(error, DiversityError) or (ended and of_file):
        report.longrepr = call.excinfo.getrepr(style="value", chain=False)
    if (
        isinstance(error, DiversityError)
        and error.__cause__ is not None
        and _debugs(item, sessions)
    ):
        lines = format_exception(error.__cause__)  # without arguments, which may hold keys
        report.sections.append(("where it came from", "".join(lines)))
    if isinstance(error, BudgetFailure | DiversityError):
        _headline(report, str(error).partition("\n")[0])


def _events(
    item: pytest.Item,
    call: pytest.CallInfo[None],
    report: pytest.TestReport,
    sessions: Mapping[Path | None, Session],
) -> Iterator[Event]:
    """What has happened in a part of a test, and where that stands."""
    place, root = partial(_place, item), item.config.rootpath
    for path, session in sessions.items():
        config = short(path, root) if path else ""
        for event in session.drain():
            if isinstance(event, Judged):
                file, line = place()
                yield replace(event, config=config, test=item.nodeid, file=file, line=line)
            elif isinstance(event, Drawn):
                yield replace(event, config=config)
            else:
                yield event
    if call.excinfo is None or not report.failed or isinstance(call.excinfo.value, BudgetFailure):
        return
    if item.get_closest_marker("diversity") or isinstance(call.excinfo.value, DiversityError):
        yield Broken(item.nodeid, first_line(call.excinfo.value), *place())


def _place(item: pytest.Item) -> tuple[str, int]:
    """Where a gate stands: its budget in the file that has it, or else the test; and the line."""
    gate, file = getattr(item, "gate", None), short(item.path, item.config.rootpath)
    if isinstance(gate, Gate):
        return file, line_of(item.path, "domains", gate.domain, "budget", gate.family)
    line = item.reportinfo()[1]
    return file, 1 if line is None else line + 1


def _debugs(item: pytest.Item, sessions: Mapping[Path | None, Session]) -> bool:
    """Whether the rest of an error is shown: what a library raised, and where."""
    asked = any(session.options.debug for session in sessions.values())
    return asked or item.config.get_verbosity() > 0


def _headline(report: pytest.TestReport, line: str) -> None:
    """What pytest's short summary shows, without the name of the exception."""
    crash = getattr(report.longrepr, "reprcrash", None)
    if crash is not None:
        crash.message = line
