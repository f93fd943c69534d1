"""The lines above an active run: what is tested, where settings came from, and the sandbox."""

from __future__ import annotations

from pathlib import Path

from pytest_diversity.session import Session

__all__ = ["header", "short"]


def header(session: Session, root: Path) -> list[str]:
    """The lines.

    Args:
        session: What is tested.
        root: What paths are shown relative to.
    """
    sandbox = session.workspace.describe_sandbox()
    lines = [_settings(session, root)]
    return [*lines, f"diversity: code sandbox: {sandbox}"] if sandbox else lines


def _settings(session: Session, root: Path) -> str:
    parts = [
        short(session.config.path, root),
        f"checkpoints {', '.join(session.config.selected) or 'none'}",
        *session.options.shown(),
        f"store {short(session.options.store, root)}",
    ]
    return f"diversity: {', '.join(parts)}"


def short(path: Path | None, root: Path) -> str:
    """A path for people; below the root, relative to it."""
    if path is None:
        return "no file"
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else str(path)
