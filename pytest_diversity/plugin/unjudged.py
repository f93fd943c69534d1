"""What a configuration speaks of and a run did not judge: a gate that is not there says so."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from pytest_diversity.events import Event, Judged
from pytest_diversity.plugin.discovery import CONFIG_NAME
from pytest_diversity.plugin.header import short
from pytest_diversity.session import Session

__all__ = ["unjudged"]


def unjudged(
    sessions: Iterable[Session], events: Sequence[Event], root: Path, *, named: bool
) -> Iterator[str]:
    """A line for each configuration without budgets, or with domains without any.

    Args:
        sessions: The configurations.
        events: What happened in the run: a test in Python may have judged what has no budget.
        root: What paths are shown relative to.
        named: Whether the configuration was named for the run, which is to judge its budgets.
    """
    judged = {event.verdict.domain for event in events if isinstance(event, Judged)}
    for config in (session.config for session in sessions):
        name = short(config.path, root) if config.path else f"without a {CONFIG_NAME}"
        bare = [one for one in config.written if not config.domains[one].budgets]
        silent = [one for one in bare if one not in judged]
        gated = {one for one, domain in config.domains.items() if domain.budgets}
        if not judged and not gated:
            yield f"{name}: there is no budget, and no test judged anything"
        elif named and gated and not gated & judged:
            yield f"{name}: none of its budgets was judged in this run"
        elif silent:
            yield f"{name}: no budget for {', '.join(silent)}, and no test judged them"
