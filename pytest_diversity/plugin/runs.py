"""Between pytest's objects and a session: which file configures a run, and what its items said."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pytest_diversity.config.file import load_config
from pytest_diversity.config.keys import ENVIRONMENT, keys_of
from pytest_diversity.config.named import add_checkpoints
from pytest_diversity.config.options import Options, resolve
from pytest_diversity.config.steps import beside, since
from pytest_diversity.config.values import Config
from pytest_diversity.errors import BudgetFailure, ConfigError, DiversityError
from pytest_diversity.events import BaselineRecorded, Damaged, Event
from pytest_diversity.findings import Look, strictly
from pytest_diversity.gate.bounds import Gate
from pytest_diversity.plugin.discovery import CONFIG_NAME, find_config, is_worker
from pytest_diversity.plugin.hookspecs import register
from pytest_diversity.plugin.options import STUDIES, asked, study_asked
from pytest_diversity.plugin.unjudged import unjudged
from pytest_diversity.session import Session
from pytest_diversity.verdict import Verdict

if TYPE_CHECKING:  # loaded when there is something to show
    from pytest_diversity.report.progress import Console

__all__ = [
    "check_collected",
    "check_domains",
    "check_prompts",
    "check_reports",
    "check_sandbox",
    "close",
    "enforce",
    "finish",
    "refuse",
    "refused",
    "select",
    "selected",
    "session_of",
    "sessions",
    "settings_of",
    "study",
    "tell_worker",
]

_SESSIONS = pytest.StashKey[dict[Path | None, Session]]()
_REFUSED = pytest.StashKey[list[str]]()
_CHECKED = "diversity_checked"  # what a worker of xdist is told of
_RECOVERED = pytest.StashKey[list[str]]()


def sessions(config: pytest.Config) -> Mapping[Path | None, Session]:
    """Those of the run, by the file that configures each; None for that of no file."""
    return config.stash.get(_SESSIONS, {})


def session_of(config: pytest.Config, path: Path | None) -> Session:
    """The session of a configuration file, or of none; made and checked when first asked for.

    Raises:
        DiversityError: The file or an option cannot be used.
    """
    made = config.stash.setdefault(_SESSIONS, {})
    if path not in made:
        loaded, options = settings_of(config, path)
        if options.recover and not is_worker(config):
            from pytest_diversity.store.recovery import recover  # noqa: PLC0415 - rarely asked

            saved = recover(options.store, partial(_say, config))
            config.stash.setdefault(_RECOVERED, []).append(saved)
        session = Session(
            loaded,
            options,
            path.parent if path else config.rootpath,
            partial(_console, config),
        )
        if str(path) not in getattr(config, "workerinput", {}).get(_CHECKED, ()):
            session.check()
        made[path] = session
    return made[path]


def tell_worker(config: pytest.Config, workerinput: dict[str, object]) -> None:
    """Let a worker of xdist know which configurations need not be checked again."""
    workerinput[_CHECKED] = [str(path) for path in sessions(config)]


def settings_of(
    config: pytest.Config, path: Path | None, look: Look = strictly
) -> tuple[Config, Options]:
    """What a configuration file, or none, and the run's options say.

    Args:
        config: Of the run.
        path: The file.
        look: What becomes of an error in a part of it, which is left out if it is not raised.

    Raises:
        DiversityError: The file or an option cannot be used.
    """
    with look("what the suite registers"):
        register(config)
    added, loaded = config.getoption("diversity_checkpoint"), Config()
    with look(path.name if path else "--diversity-checkpoint"):
        loaded = (
            load_config(path, added, look)
            if path
            else add_checkpoints(loaded, added, config.rootpath)
        )
    names = [key.name for key in keys_of(ENVIRONMENT)]
    given = {name: config.getoption(f"diversity_{name}") for name in names}
    options = resolve(given, loaded, config.rootpath, look)
    with look("--diversity-since"):
        loaded = since(loaded, options)
    return loaded, options


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
    """Note an error of the configuration met while collecting: the run ends with exit code 4."""
    config.stash.setdefault(_REFUSED, []).append(str(error))


def refused(config: pytest.Config) -> str | None:
    """The first error of the configuration met while collecting."""
    messages = config.stash.get(_REFUSED, [])
    return messages[0] if messages else None


def enforce(verdict: Verdict, *, strict: bool) -> Verdict:
    """Raise `BudgetFailure` unless the verdict lets the test pass.

    Args:
        verdict: Of level `error` it fails when it is `fail` or `undefined`.
        strict: Whether `unclear` fails too.
    """
    __tracebackhide__ = True
    if verdict.fails(strict=strict):
        raise BudgetFailure(verdict.message)
    return verdict


def study(config: pytest.Config) -> None:
    """Print the studies that were asked for.

    Raises:
        UsageError: There is nothing to study, or it cannot be.
    """
    from pytest_diversity.studies import run  # noqa: PLC0415 - only where it is asked

    terminal = config.pluginmanager.get_plugin("terminalreporter")
    try:
        studied = [one for one in sessions(config).values() if one.config.selected]
        for line in run(studied, asked(config, STUDIES)):
            if terminal is not None:
                terminal.write_line(line)
    except DiversityError as error:
        raise pytest.UsageError(f"diversity: {error}") from None


def check_reports(config: pytest.Config) -> None:
    """Refuse to start where a report could not be written.

    Raises:
        DiversityError: One could not.
    """
    from pytest_diversity.plugin import reporting  # noqa: PLC0415 - rarely asked

    reporting.check(config)


def finish(session: pytest.Session, events: Sequence[Event]) -> list[str]:
    """Write what a run leaves behind, baselines and reports; what there is to say of it."""
    said = _left(session, events)
    config = session.config
    if not config.getoption("diversity_report"):
        return said
    if study_asked(config) or config.option.collectonly:
        return [*said, "no report was written: no test has run"]
    from pytest_diversity.plugin import reporting  # noqa: PLC0415 - rarely asked

    report = reporting.told(session, sessions(config), events, said)
    return [*said, *reporting.write(session, report)]


def _left(session: pytest.Session, events: Sequence[Event]) -> list[str]:
    """Write the baselines that the events of a run ask for; what there is to say of it."""
    config = session.config
    every = list(sessions(config).values())
    said = [*config.stash.get(_RECOVERED, [])]
    recorded = any(isinstance(event, BaselineRecorded) for event in events)
    if recorded or any(one.options.prune for one in every):
        from pytest_diversity.plugin.recording import record_and_prune  # noqa: PLC0415 - rarely asked

        said += record_and_prune(session, every, events)
    said += [line for one in every for line in beside(one.config, one.options)]
    said += _studied(every)
    if refused(config) or study_asked(config) or config.option.collectonly:
        return said  # nothing was to be judged
    named = bool(config.getoption("diversity_config"))
    return [*said, *unjudged(every, events, config.rootpath, named=named)]


def _studied(sessions: Sequence[Session]) -> list[str]:
    """What a study has met in the store, since no report carries it."""
    damages = [event for one in sessions for event in one.drain() if isinstance(event, Damaged)]
    if not damages:
        return []
    from pytest_diversity.report.notes import damage_lines  # noqa: PLC0415 - rarely asked

    return damage_lines(damages)


def _say(config: pytest.Config, message: str) -> None:
    """A line on the console."""
    from pytest_diversity.report.progress import saying  # noqa: PLC0415 - rarely asked

    saying(partial(_console, config))(message)


def close(config: pytest.Config) -> None:
    """Release models and close stores."""
    for session in sessions(config).values():
        session.close()


def check_collected(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Refuse a run that leaves out the budgets of the file that was named for it.

    Raises:
        ConfigError: The file lies where pytest does not look.
    """
    tests_named = config.args_source == config.ArgsSource.ARGS
    if not config.getoption("diversity_config") or tests_named:
        return
    for path, session in sessions(config).items():
        wanted = session.judge.multiplicity.every()
        if wanted and not any(item.path == path for item in items):
            raise ConfigError(
                f"{path} lies where pytest does not look for tests",
                fix="name it as a test, too, or move it",
            )


def select(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Tell each session which of its budgets this run judges, and which tests are beside them."""
    for path, session in sessions(config).items():
        session.tests = [
            item.nodeid
            for item in items
            if item.get_closest_marker("diversity") and find_config(config, item.path) == path
            if not hasattr(item, "gate")
        ]
        keys = frozenset(gate.key for gate in _gates(items, path))
        session.judge.multiplicity.selected = keys


def _gates(items: list[pytest.Item], path: Path | None) -> list[Gate]:
    """The gates of a file among what was collected."""
    found = (getattr(item, "gate", None) for item in items if item.path == path)
    return [gate for gate in found if isinstance(gate, Gate)]


def check_domains(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Refuse to start where a test that would draw samples names a domain that there is not.

    Raises:
        ConfigError: One does.
    """
    from pytest_diversity.plugin import spelling  # noqa: PLC0415 - for tests in Python

    for item in items:
        spelling.check_domains(item, session_of(config, find_config(config, item.path)).config)


def check_sandbox(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Refuse to start where programs would be run and no sandbox holds, before a model is loaded.

    Raises:
        SandboxUnavailable: None holds; nothing was run.
    """
    if any(item.get_closest_marker("diversity") for item in items):
        for session in sessions(config).values():
            session.workspace.check_sandbox()


def check_prompts(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Refuse to start where a model cannot read what it is to be asked, before any is loaded.

    Raises:
        DiversityError: A chat template refuses a prompt, or a context has no room for it.
    """
    for path, session in sessions(config).items():
        session.check_prompts(_gates(items, path))


def _console(config: pytest.Config) -> Console:
    """Looked up late, for the terminal reporter is made after this plugin is configured."""
    from pytest_diversity.report.progress import Console  # noqa: PLC0415 - see above

    capture = config.pluginmanager.get_plugin("capturemanager")
    terminal = config.pluginmanager.get_plugin("terminalreporter")
    worker = is_worker(config)
    console = Console(
        plain=worker,
        bars=not os.environ.get("CI"),
        progress=config.option.verbose >= 0,
        quiet=terminal is None and not worker,
    )
    if capture is not None:
        console.uncaptured = capture.global_and_fixture_disabled
    if terminal is not None:
        console.newline = partial(_end_line, config, terminal)
    return console


def _end_line(config: pytest.Config, terminal: pytest.TerminalReporter) -> None:
    """End a line of dots, also of those that follow no file's name, as with -q."""
    terminal.ensure_newline()
    writer = config.get_terminal_writer()
    if writer.width_of_current_line:
        writer.line()
