"""What a run leaves behind when its tests are done: baselines, written once, by one process."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import pytest

from pytest_diversity.baselines.file import BaselineError
from pytest_diversity.baselines.record import prune, record
from pytest_diversity.events import Event, Judged
from pytest_diversity.session import Session

__all__ = ["record_and_prune", "why_not_prune"]


# Options that leave tests out, by the name of their value.
_CHOOSING = {
    "-k": "keyword",
    "-m": "markexpr",
    "--lf": "lf",
    "--deselect": "deselect",
    "--ignore": "ignore",
    "--ignore-glob": "ignore_glob",
}


def record_and_prune(
    session: pytest.Session, sessions: Sequence[Session], events: Sequence[Event]
) -> list[str]:
    """Record and prune as asked; what there is to say of it.

    A run that could not do what it was asked for ends with exit code 4, as after a usage error.
    """
    try:
        lines = record(events)
        if any(one.options.prune for one in sessions):
            lines += _pruned(session, sessions, events)
    except BaselineError as error:
        session.exitstatus = pytest.ExitCode.USAGE_ERROR
        return [f"error: {error}"]
    return lines


def _pruned(
    session: pytest.Session, sessions: Sequence[Session], events: Sequence[Event]
) -> list[str]:
    reason = next(why_not_prune(session, sessions, events), None)
    if reason is not None:
        session.exitstatus = pytest.ExitCode.USAGE_ERROR
        return [f"error: nothing was pruned: {reason}; run all tests: pytest --diversity-prune"]
    homes = dict.fromkeys(one.judge.baselines.path("").parent for one in sessions)
    return prune(homes, events) or ["baseline pruned: everything in it is in use"]


def why_not_prune(
    session: pytest.Session, sessions: Sequence[Session], events: Iterable[Event]
) -> Iterator[str]:
    """Why this run cannot know what is unused: it was a part, or something in it went wrong."""
    config = session.config
    for option, value in _CHOOSING.items():
        if getattr(config.option, value, None):
            yield f"{option} ran a part of the tests"
    if config.getoption("diversity_checkpoint"):
        yield "--diversity-checkpoint ran a part of the tests"
    if any(one.config.earlier for one in sessions):
        yield "--diversity-since ran a part of the tests"
    everything = config.args_source is pytest.Config.ArgsSource.TESTPATHS
    if not everything and not _whole(config, sessions):
        yield "the command names a part of the tests"
    if session.testsfailed or session.exitstatus != pytest.ExitCode.OK:
        yield "a test failed or a worker crashed"
    verdicts = (event.verdict for event in events if isinstance(event, Judged))
    done = {(verdict.checkpoint, verdict.domain, verdict.family) for verdict in verdicts}
    for one in sessions:
        for gate in one.judge.multiplicity.every():
            if gate.key not in done:
                yield f"{gate.domain} {gate.family} of {gate.checkpoint} did not run"


def _whole(config: pytest.Config, sessions: Iterable[Session]) -> bool:
    """Whether folders were named that hold all configurations."""
    given = [Path(config.invocation_params.dir, argument) for argument in config.args]
    homes = [one.config.path.parent for one in sessions if one.config.path]
    return all(any(home.is_relative_to(folder) for folder in given) for home in homes)
