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
            if (folder / CONFIG_NAME).is_file():
                return folder / CONFIG_NAME
            if folder == config.rootpath or not folder.is_relative_to(config.rootpath):
                break
    candidate = config.rootpath / CONFIG_NAME
    return candidate if candidate.is_file() else None


def _absolute(config: pytest.Config, given: str) -> Path:
    """As pytest does it, so that both name a file alike: without `..`, symbolic links kept."""
    path = config.invocation_params.dir / Path(given).expanduser()
    return Path(os.path.abspath(path))  # noqa: PTH100 - resolve() would follow links


def is_configured(config: pytest.Config) -> bool:
    """Whether the run asks for the plugin before anything is collected."""
    return bool(config.getoption("diversity_checkpoint")) or find_config(config) is not None


def is_worker(config: pytest.Config) -> bool:
    """Whether this process is one of xdist's workers."""
    return hasattr(config, "workerinput")
