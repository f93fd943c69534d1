"""Whether and by which file a pytest run is configured; imported by every run, so kept light."""

from __future__ import annotations

import os
from collections.abc import Iterable
from fnmatch import fnmatch
from pathlib import Path

import pytest

__all__ = [
    "CONFIG_NAME",
    "collect_named",
    "find_config",
    "find_configs",
    "is_configured",
    "is_first",
    "is_worker",
]

CONFIG_NAME = "diversity.toml"


def find_config(config: pytest.Config, test: Path | None = None) -> Path | None:
    """What configures a test, or the run: the file named, else the nearest `diversity.toml`.

    Args:
        config: Of the run.
        test: The test's file; without one, what the command line names. Where none is in a folder
            above the test, the run's configures it.
    """
    named = config.getoption("diversity_config")
    if named:
        return _absolute(config, named)
    given = [_absolute(config, str(one).split("::", maxsplit=1)[0]) for one in config.args]
    starts = [*([test] if test else []), *given, config.rootpath]
    return next(filter(None, (_nearest(config, start) for start in starts)), None)


def find_configs(config: pytest.Config) -> list[Path]:
    """Every configuration that a run would collect, or be configured by."""
    found = dict.fromkeys(filter(None, [find_config(config)]))
    if config.getoption("diversity_config"):
        return list(found)
    skipped = config.getini("norecursedirs")
    for given in config.args:
        for folder, below, files in os.walk(_absolute(config, given.split("::", maxsplit=1)[0])):
            below[:] = sorted(name for name in below if not _is_skipped(folder, name, skipped))
            if CONFIG_NAME in files:
                found[Path(folder, CONFIG_NAME)] = None
    return list(found)


def _is_skipped(folder: str, name: str, patterns: Iterable[str]) -> bool:
    """Whether pytest collects nothing from a folder: it is hidden, or a virtual environment."""
    venv = os.path.isfile(os.path.join(folder, name, "pyvenv.cfg"))  # noqa: PTH113, PTH118 - in bulk
    return venv or any(fnmatch(name, pattern) for pattern in patterns)


def _nearest(config: pytest.Config, start: Path) -> Path | None:
    """The `diversity.toml` in or above `start`, no higher than the root of the run."""
    for folder in (start, *start.parents):
        if _is_file(folder / CONFIG_NAME):
            return folder / CONFIG_NAME
        if folder == config.rootpath or not folder.is_relative_to(config.rootpath):
            break
    return None


def _is_file(path: Path) -> bool:
    """Whether it is one; what cannot be looked at is none, and pytest's to complain of."""
    return os.path.isfile(path)  # noqa: PTH113 - Path.is_file() raises where a name is too long


def _absolute(config: pytest.Config, given: str) -> Path:
    """As pytest does it, so that both name a file alike: without `..`, symbolic links kept."""
    # Path.expanduser() raises where there is no such user, and Path.resolve() follows links
    path = config.invocation_params.dir / os.path.expanduser(given)  # noqa: PTH111
    return Path(os.path.abspath(path))  # noqa: PTH100


def collect_named(config: pytest.Config) -> None:
    """Collect the configuration that was named, wherever it is, unless tests were named, too."""
    if config.getoption("diversity_config") and config.args_source != config.ArgsSource.ARGS:
        config.args.append(str(find_config(config)))


def is_configured(config: pytest.Config) -> bool:
    """Whether the run asks for the plugin before anything is collected."""
    return bool(config.getoption("diversity_checkpoint")) or find_config(config) is not None


def is_worker(config: pytest.Config) -> bool:
    """Whether this process is one of xdist's workers."""
    return hasattr(config, "workerinput")


def is_first(config: pytest.Config) -> bool:
    """Whether this process, of all that collect, is to do what one of them has to do."""
    worker = getattr(config, "workerinput", {"workerid": "gw0"})
    return bool(worker["workerid"] == "gw0")
