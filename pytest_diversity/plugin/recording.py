"""What a run leaves behind when its tests are done: baselines, written once, by one process."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from pytest_diversity.baselines.file import BaselineError
from pytest_diversity.baselines.record import prune, store
from pytest_diversity.session import Session

__all__ = ["finish", "why_not_prune"]


# Options that leave tests out, by the name of their value.
_CHOOSING = {
    "-k": "keyword",
    "-m": "markexpr",
    "--lf": "lf",
    "--deselect": "deselect",
    "--ignore": "ignore",
    "--ignore-glob": "ignore_glob",
}


def finish(
    session: pytest.Session, sessions: Sequence[Session], events: Sequence[Mapping[str, Any]]
) -> list[str]:
    """Record and prune as asked; what there is to say of it.

    A run that could not do what it was asked for ends with exit code 4, as after a usage error.
    """
    try:
        lines = store(events)
        if any(one.options.prune for one in sessions):
            lines += _pruned(session, sessions, events)
    except BaselineError as error:
        session.exitstatus = pytest.ExitCode.USAGE_ERROR
        return [f"error: {error}"]
    return lines


def _pruned(
    session: pytest.Session, sessions: Sequence[Session], events: Sequence[Mapping[str, Any]]
) -> list[str]:
    reason = next(why_not_prune(session, sessions, events), None)
    if reason is not None:
        session.exitstatus = pytest.ExitCode.USAGE_ERROR
        return [f"error: nothing was pruned: {reason}; run all tests: pytest --diversity-prune"]
    homes = dict.fromkeys(one.judge.baselines.path("").parent for one in sessions)
    return prune(homes, events) or ["baseline pruned: everything in it is in use"]


def why_not_prune(
    session: pytest.Session, sessions: Iterable[Session], events: Iterable[Mapping[str, Any]]
) -> Iterator[str]:
    """Why this run cannot know what is unused: it was a part, or something in it went wrong."""
    config = session.config
    for option, value in _CHOOSING.items():
        if getattr(config.option, value, None):
            yield f"{option} ran a part of the tests"
    if config.getoption("diversity_checkpoint"):
        yield "--diversity-checkpoint ran a part of the tests"
    everything = config.args_source is pytest.Config.ArgsSource.TESTPATHS
    if not everything and not _whole(config, sessions):
        yield "the command names a part of the tests"
    if session.testsfailed or session.exitstatus != pytest.ExitCode.OK:
        yield "a test failed or a worker crashed"
    done = {(e["checkpoint"], e["domain"], e["family"]) for e in events if e["kind"] == "verdict"}
    for one in sessions:
        for key in one.judge.multiplicity.every():
            if key not in done:
                yield f"{key[1]} {key[2]} of {key[0]} did not run"


def _whole(config: pytest.Config, sessions: Iterable[Session]) -> bool:
    """Whether folders were named that hold all configurations."""
    given = [Path(config.invocation_params.dir, argument) for argument in config.args]
    homes = [one.config.path.parent for one in sessions if one.config.path]
    return all(any(home.is_relative_to(folder) for folder in given) for home in homes)
