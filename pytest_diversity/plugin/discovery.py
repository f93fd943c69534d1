"""Whether and by which file a pytest run is configured; imported by every run, so kept light."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

__all__ = ["CONFIG_NAME", "find_config", "is_configured", "is_worker"]

CONFIG_NAME = "diversity.toml"


def find_config(config: pytest.Config) -> Path | None:
    """The run's `diversity.toml`: the one named, else the nearest in or above what is tested."""
    named = config.getoption("diversity_config")
    if named:
        return _absolute(config, named)
    for argument in config.args:
        start = _absolute(config, str(argument).split("::", maxsplit=1)[0])
        for folder in (start, *start.parents):
            if _is_file(folder / CONFIG_NAME):
                return folder / CONFIG_NAME
            if folder == config.rootpath or not folder.is_relative_to(config.rootpath):
                break
    candidate = config.rootpath / CONFIG_NAME
    return candidate if _is_file(candidate) else None


def _is_file(path: Path) -> bool:
    """Whether it is one; what cannot be looked at is none, and pytest's to complain of."""
    return os.path.isfile(path)  # noqa: PTH113 - Path.is_file() raises where a name is too long


def _absolute(config: pytest.Config, given: str) -> Path:
    """As pytest does it, so that both name a file alike: without `..`, symbolic links kept."""
    # Path.expanduser() raises where there is no such user, and Path.resolve() follows links
    path = config.invocation_params.dir / os.path.expanduser(given)  # noqa: PTH111
    return Path(os.path.abspath(path))  # noqa: PTH100


def is_configured(config: pytest.Config) -> bool:
    """Whether the run asks for the plugin before anything is collected."""
    return bool(config.getoption("diversity_checkpoint")) or find_config(config) is not None


def is_worker(config: pytest.Config) -> bool:
    """Whether this process is one of xdist's workers."""
    return hasattr(config, "workerinput")
