"""A workspace without a session: what is drawn and measured, shown where a test asks for it."""

from __future__ import annotations

from pathlib import Path

from pytest_diversity.config.options import Options
from pytest_diversity.config.values import Config
from pytest_diversity.report.progress import Console, showing
from pytest_diversity.resources import Resources
from pytest_diversity.workspace import Workspace

__all__ = ["workspace_of"]


def workspace_of(config: Config, options: Options, root: Path, *, quiet: bool = True) -> Workspace:
    """A workspace on a configuration, with relative paths from `root`."""
    return Workspace(
        Resources(config, options, root, showing(lambda: Console(plain=True, quiet=quiet)))
    )
