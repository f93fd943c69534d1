"""The pytest plugin: hooks only. Loading it imports neither numpy nor anything heavier.

Everything else is imported when a run turns out to use the plugin: it has a `diversity.toml`, names
a checkpoint, or takes one of the fixtures.
"""

# ruff: noqa: PLC0415 - late imports are what keeps a run that does not use the plugin fast

from __future__ import annotations

import os
import sys
from collections.abc import Generator, Sequence
from copy import copy
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import pytest

from pytest_diversity import functions
from pytest_diversity.plugin import current
from pytest_diversity.plugin.discovery import (
    CONFIG_NAME,
    collect_named,
    find_config,
    is_configured,
    is_first,
    is_worker,
)
from pytest_diversity.plugin.fixtures import _diversity_checkpoint, checkpoint, diversity, samples
from pytest_diversity.plugin.hookspecs import register
from pytest_diversity.plugin.options import HELP, add_options, asked, spelt_out, study_asked

if TYPE_CHECKING:
    from pytest_diversity.events import Event
    from pytest_diversity.plugin.collector import DiversityFile
    from pytest_diversity.session import UnderTest

__all__ = ["_diversity_checkpoint", "checkpoint", "diversity", "samples"]

_EVENTS: pytest.StashKey[list[Event]] = pytest.StashKey()
_SAID = pytest.StashKey[list[str]]()
_ENDED = "diversity_ended"  # what a worker of xdist says when the run must not begin
# What ours are parametrised by: a suite may have a fixture `checkpoint` of its own.
_FIXTURE = "_diversity_checkpoint"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add `--diversity-*`."""
    add_options(parser)


def pytest_addhooks(pluginmanager: pytest.PytestPluginManager) -> None:
    """Offer `pytest_diversity_*`."""
    from pytest_diversity.plugin import hookspecs

    pluginmanager.add_hookspecs(hookspecs)


def pytest_cmdline_main(config: pytest.Config) -> int | None:
    """Do what is asked for in place of a whole run, whatever state that would be in."""
    if not asked(config, HELP) or is_worker(config):
        return None
    from pytest_diversity.plugin.instead import do

    return do(config)


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(
    early_config: pytest.Config, parser: pytest.Parser, args: list[str]
) -> None:
    """What follows an option that stands without a value is an argument of its own."""
    spelt = spelt_out(args)
    if spelt == args:
        return
    args[:] = spelt
    known = parser.parse_known_args(args, copy(early_config.option))
    early_config.known_args_namespace.file_or_dir = known.file_or_dir  # whose conftest files come


def pytest_configure(config: pytest.Config) -> None:
    """Check the configuration of a run that has one, before anything is collected."""
    config.addinivalue_line("markers", "diversity: a diversity gate; added to every test that is")
    config.stash[_EVENTS] = []
    token = current.run.set(config)
    config.add_cleanup(lambda: current.run.reset(token))
    suite = functions.suite.set(partial(register, config))
    config.add_cleanup(lambda: functions.suite.reset(suite))
    if study_asked(config) and hasattr(config.option, "dist"):
        config.option.dist = "no"  # a study is one process's work, as --collect-only is
    collect_named(config)
    reports = config.getoption("diversity_report")
    if is_worker(config) or not (is_configured(config) or reports):
        return
    from pytest_diversity.errors import DiversityError, exhausted
    from pytest_diversity.plugin.runs import check_reports, session_of

    try:
        with exhausted():
            if reports:
                check_reports(config)
            if is_configured(config):
                session_of(config, find_config(config))
    except DiversityError as error:
        raise pytest.UsageError(f"diversity: {error}") from None


def pytest_unconfigure(config: pytest.Config) -> None:
    """Release what the run held."""
    if runs := sys.modules.get("pytest_diversity.plugin.runs"):
        runs.close(config)


def pytest_report_header(config: pytest.Config) -> list[str] | None:
    """What is tested and how, when the plugin is configured."""
    if not is_configured(config):
        return None
    from pytest_diversity.plugin.header import header
    from pytest_diversity.plugin.runs import session_of

    return header(session_of(config, find_config(config)), config.rootpath)


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> DiversityFile | None:
    """Collect `diversity.toml`, or the one file that was named in its place."""
    if parent.config.getoption("diversity_config"):
        if file_path != find_config(parent.config):
            return None
    elif file_path.name != CONFIG_NAME:
        return None
    from pytest_diversity.plugin.collector import DiversityFile

    collected: DiversityFile = DiversityFile.from_parent(parent, path=file_path)
    return collected


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test that takes a checkpoint once for each of them."""
    if _FIXTURE not in metafunc.fixturenames:
        return
    from pytest_diversity.errors import DiversityError
    from pytest_diversity.plugin.runs import refuse, selected, session_of

    config, test = metafunc.config, metafunc.definition.path
    names: Sequence[str] = ()
    under_test: Sequence[UnderTest] = ()
    try:
        session = session_of(config, find_config(config, test))
        names, under_test = selected(session), session.under_test
    except DiversityError as error:
        refuse(config, error)
    metafunc.parametrize(_FIXTURE, under_test, indirect=True, scope="session", ids=names)


def _drawing(items: list[pytest.Item]) -> list[pytest.Item]:
    """The tests in Python that take a checkpoint."""
    return [item for item in items if _FIXTURE in getattr(item, "fixturenames", ())]


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mark the gates, so that `-m diversity` selects them; refuse a wrong configuration."""
    for item in _drawing(items):
        item.add_marker("diversity")
    if runs := sys.modules.get("pytest_diversity.plugin.runs"):
        from pytest_diversity.errors import DiversityError

        try:
            runs.check_collected(config, items)
        except DiversityError as error:
            runs.refuse(config, error)
        message = runs.refused(config)
        if message is not None:
            _end(config, message)


@pytest.hookimpl(tryfirst=True)  # before xdist says that this worker is ready
def pytest_collection_finish(session: pytest.Session) -> None:
    """Before a model is loaded, domains must exist, sandboxes hold, and prompts be readable."""
    runs = sys.modules.get("pytest_diversity.plugin.runs")
    if runs is None:
        return
    runs.select(session.config, session.items)
    if not is_first(session.config) or session.config.option.collectonly:
        return
    from pytest_diversity.errors import DiversityError, exhausted

    drawing = _drawing(session.items)
    try:
        with exhausted():
            if drawing:
                runs.check_domains(session.config, drawing)
            if not asked(session.config, ("list",)):  # which runs nothing
                runs.check_sandbox(session.config, session.items)
            if not study_asked(session.config):
                runs.check_prompts(session.config, session.items)
    except DiversityError as error:
        _end(session.config, str(error))


def _end(config: pytest.Config, message: str) -> NoReturn:
    """End a run that must not begin, with exit code 4; a worker leaves that to who started it."""
    if not is_worker(config):
        raise pytest.UsageError(f"diversity: {message}")
    config.workeroutput[_ENDED] = message  # type: ignore[attr-defined] # xdist's
    pytest.exit(message, returncode=pytest.ExitCode.USAGE_ERROR)


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """What this process has checked no worker of xdist checks again: recordings may be large."""
    if runs := sys.modules.get("pytest_diversity.plugin.runs"):
        runs.tell_worker(node.config, node.workerinput)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Where a worker of xdist has found that a run must not begin, it does not."""
    message = getattr(node, "workeroutput", {}).get(_ENDED)
    if message is not None:
        raise pytest.UsageError(f"diversity: {message}")


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop(session: pytest.Session) -> bool | None:
    """Study the stored samples in place of running tests, where an option asks for it."""
    if not study_asked(session.config):
        return None
    from pytest_diversity.plugin.runs import study

    study(session.config)
    return True


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Let assertions without a fixture know whose they are."""
    token = current.path.set(item.path)
    try:
        return (yield)
    finally:
        current.path.reset(token)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """A gate that the machine has no room for says so."""
    if item.get_closest_marker("diversity") is None:
        return (yield)
    from pytest_diversity.errors import exhausted

    with exhausted():
        return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Let verdicts travel with the report, and our own errors be sentences, not tracebacks."""
    runs = sys.modules.get("pytest_diversity.plugin.runs")
    if runs is None:
        return (yield)
    from pytest_diversity.plugin.outcome import annotate, without_cause

    with without_cause(call):
        report = yield
    annotate(item, call, report, runs.sessions(item.config))
    return report


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Gather the verdicts, in the process that prints the summary."""
    config, events = current.run.get(), getattr(report, "diversity", [])
    if config is not None and events:
        from pytest_diversity.events import Broken, Judged, from_json

        # as plugins call the report of a test that is run again: what it says then counts
        passing = (Judged, Broken) if str(report.outcome) == "rerun" else ()
        met = map(from_json, events)
        config.stash[_EVENTS] += (one for one in met if not isinstance(one, passing))


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Write baselines once, in the process that has gathered what the workers measured."""
    runs = sys.modules.get("pytest_diversity.plugin.runs")
    if runs is not None and not is_worker(session.config):
        session.config.stash[_SAID] = runs.finish(session, session.config.stash[_EVENTS])


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """Show all verdicts in one table."""
    events, said = config.stash[_EVENTS], config.stash.get(_SAID, [])
    if events or said:
        from pytest_diversity.report.terminal import summarise

        # A log, which is no terminal, has room for everything.
        limited = terminalreporter.isatty or os.environ.get("COLUMNS")
        room = config.get_terminal_writer().fullwidth if limited else None
        summarise(terminalreporter, events, said, room)
        if os.environ.get("GITHUB_ACTIONS") == "true":
            from pytest_diversity.report.annotations import annotate

            for line in annotate(events, config.rootpath):
                terminalreporter.write_line(line)
