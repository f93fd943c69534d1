"""What tests ask of a session whose checkpoint is on a server."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from pytest_diversity.workspace import Workspace

__all__ = ["Open", "stored", "texts_of"]

Open: TypeAlias = Callable[..., Workspace]  # the fixture `open_session`


def texts_of(session: Workspace) -> dict[str, list[str]]:
    """The texts of each prompt, drawn where they are missing."""
    return {p: [s.text for s in group] for p, group in session.samples("m", "d").items()}


def stored(session: Workspace) -> int:
    """How many samples are in the store."""
    return int(session.resources.store.rows("SELECT COUNT(*) FROM sample")[0][0])
