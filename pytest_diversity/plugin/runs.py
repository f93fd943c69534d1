"""Between pytest's objects and a session: which file configures a run, and what its items said."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import pytest

from pytest_diversity.config.file import load_config
from pytest_diversity.config.keys import ENVIRONMENT, keys_of
from pytest_diversity.config.options import resolve
from pytest_diversity.config.values import Config, add_checkpoints
from pytest_diversity.errors import BudgetFailure, ConfigError, DiversityError
from pytest_diversity.events import Damaged, Event, to_json
from pytest_diversity.plugin.discovery import CONFIG_NAME, is_worker
from pytest_diversity.plugin.hookspecs import register
from pytest_diversity.plugin.options import STUDIES
from pytest_diversity.report.progress import Console, saying
from pytest_diversity.report.terminal import damage_lines
from pytest_diversity.session import Session
from pytest_diversity.store.recovery import recover

__all__ = [
    "annotate",
    "check_sandbox",
    "close",
    "finish",
    "refuse",
    "refused",
    "select",
    "selected",
    "session_of",
    "study",
]

_SESSIONS = pytest.StashKey[dict[Path | None, Session]]()
_REFUSED = pytest.StashKey[list[str]]()
_RECOVERED = pytest.StashKey[list[str]]()


def session_of(config: pytest.Config, path: Path | None) -> Session:
    """The session of a configuration file, or of none; made and checked when first asked for.

    Raises:
        DiversityError: The file or an option cannot be used.
    """
    sessions = config.stash.setdefault(_SESSIONS, {})
    if path not in sessions:
        register(config)
        added = config.getoption("diversity_checkpoint")
        loaded = load_config(path, added) if path else add_checkpoints(Config(), added)
        names = [key.name for key in keys_of(ENVIRONMENT)]
        given = {name: config.getoption(f"diversity_{name}") for name in names}
        options = resolve(given, loaded, config.rootpath)
        if options.recover and not is_worker(config):
            config.stash.setdefault(_RECOVERED, []).append(
                recover(options.store, saying(partial(_console, config)))
            )
        session = Session(
            loaded,
            options,
            path.parent if path else config.rootpath,
            partial(_console, config),
        )
        session.check()
        sessions[path] = session
    return sessions[path]


def selected(session: Session) -> tuple[str, ...]:
    """Names of the checkpoints under test.

    Raises:
        ConfigError: There are none.
    """
    if not session.config.selected:
        raise ConfigError(
            "there is no checkpoint to test",
            fix=f"add [checkpoints] to {CONFIG_NAME}, or --diversity-checkpoint NAME=SOURCE",
        )
    return session.config.selected


def refuse(config: pytest.Config, error: DiversityError) -> None:
    """Note an error of the configuration met while collecting: the run ends with exit code 4.

    In an xdist worker, which cannot end the run, it becomes a collection error instead.
    """
    if is_worker(config):
        raise pytest.Collector.CollectError(str(error)) from None
    config.stash.setdefault(_REFUSED, []).append(str(error))


def refused(config: pytest.Config) -> str | None:
    """The first error of the configuration met while collecting."""
    messages = config.stash.get(_REFUSED, [])
    return messages[0] if messages else None


def annotate(item: pytest.Item, call: pytest.CallInfo[None], report: pytest.TestReport) -> None:
    """Attach what was drawn and judged to the report, and say our own errors in their own words."""
    sessions = item.config.stash.get(_SESSIONS, {}).values()
    events = [to_json(event) for session in sessions for event in session.drain()]
    if events:
        report.diversity = events  # type: ignore[attr-defined] # carried along, xdist included
    if call.excinfo is None:
        return
    error = call.excinfo.value
    missed_in_file = isinstance(error, BudgetFailure) and not isinstance(item, pytest.Function)
    if isinstance(error, DiversityError) or missed_in_file:
        report.longrepr = call.excinfo.getrepr(style="value", chain=False)
    if isinstance(error, BudgetFailure | DiversityError):
        _headline(report, str(error).partition("\n")[0])


def _headline(report: pytest.TestReport, line: str) -> None:
    """What pytest's short summary shows, without the name of the exception."""
    crash = getattr(report.longrepr, "reprcrash", None)
    if crash is not None:
        crash.message = line


def study(config: pytest.Config) -> None:
    """Print the studies that were asked for.

    Raises:
        UsageError: There is nothing to study, or it cannot be.
    """
    from pytest_diversity.studies import run  # noqa: PLC0415 - only where it is asked

    asked = {
        name: str(value) for name in STUDIES if (value := config.getoption(f"diversity_{name}"))
    }
    terminal = config.pluginmanager.get_plugin("terminalreporter")
    try:
        sessions = config.stash.get(_SESSIONS, {}).values()
        for line in run([one for one in sessions if one.config.selected], asked):
            if terminal is not None:
                terminal.write_line(line)
    except DiversityError as error:
        raise pytest.UsageError(f"diversity: {error}") from None


def finish(session: pytest.Session, events: Sequence[Event]) -> list[str]:
    """Write the baselines that the events of a run ask for; what there is to say of it."""
    from pytest_diversity.plugin.recording import record_and_prune  # noqa: PLC0415 - at the end alone

    sessions = list(session.config.stash.get(_SESSIONS, {}).values())
    studied = [event for one in sessions for event in one.drain() if isinstance(event, Damaged)]
    return [
        *session.config.stash.get(_RECOVERED, []),
        *damage_lines(studied),
        *record_and_prune(session, sessions, events),
    ]


def close(config: pytest.Config) -> None:
    """Release models and close stores."""
    for session in config.stash.get(_SESSIONS, {}).values():
        session.close()


def select(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Tell each session which of its budgets this run judges."""
    for path, session in config.stash.get(_SESSIONS, {}).items():
        gates = (getattr(item, "gate", None) for item in items if item.path == path)
        session.judge.multiplicity.selected = frozenset(gate.key for gate in gates if gate)


def check_sandbox(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Refuse to start where programs would be run and no sandbox holds, before a model is loaded.

    Raises:
        SandboxUnavailable: None holds; nothing was run.
    """
    if any(item.get_closest_marker("diversity") for item in items):
        for session in config.stash.get(_SESSIONS, {}).values():
            session.workspace.check_sandbox()


def _console(config: pytest.Config) -> Console:
    """Looked up late, for the terminal reporter is made after this plugin is configured."""
    capture = config.pluginmanager.get_plugin("capturemanager")
    terminal = config.pluginmanager.get_plugin("terminalreporter")
    worker = is_worker(config)
    console = Console(plain=worker, quiet=terminal is None and not worker)
    if capture is not None:
        console.uncaptured = capture.global_and_fixture_disabled
    if terminal is not None:
        console.newline = terminal.ensure_newline
    return console
