"""What is done in place of a whole run: no session of pytest begins, and nothing is collected."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from shutil import get_terminal_size

import pytest

from pytest_diversity import functions
from pytest_diversity.errors import ConfigError, DiversityError
from pytest_diversity.findings import DoubtError, Findings
from pytest_diversity.plugin.discovery import CONFIG_NAME, find_configs
from pytest_diversity.plugin.header import short
from pytest_diversity.plugin.hookspecs import register
from pytest_diversity.plugin.options import HELP, STUDIES, asked
from pytest_diversity.plugin.runs import settings_of
from pytest_diversity.studies.doctor import FIRST, examine, lines
from pytest_diversity.studies.start import start
from pytest_diversity.text import shorten, visible

__all__ = ["do"]


def do(config: pytest.Config) -> int:
    """Do it and print what there is to say of it; the exit code.

    Raises:
        UsageError: Several things are asked for at once, or it cannot be done.
    """
    what = asked(config, (*HELP, *STUDIES))
    if len(what) > 1:
        flags = " and ".join(f"--diversity-{name}" for name in what)
        raise pytest.UsageError(f"diversity: {flags} are done one at a time; leave one out")
    token = functions.suite.set(partial(register, config))
    try:
        return _DONE[next(iter(what))](config)
    except DiversityError as error:
        raise pytest.UsageError(f"diversity: {error}") from None
    finally:
        functions.suite.reset(token)


def _doctor(config: pytest.Config) -> int:
    """Look at every configuration, or at the machine alone; 1 where something is broken."""
    paths: list[Path | None] = [*find_configs(config)]
    return max(_examined(config, path) for path in paths or [None])


def _examined(config: pytest.Config, path: Path | None) -> int:
    look = Findings(path.name if path else CONFIG_NAME, *FIRST)
    root = path.parent if path else config.rootpath
    if path is None:
        with look(CONFIG_NAME):
            raise DoubtError(
                f"there is none here ({config.invocation_params.dir})",
                fix="pytest --diversity-init writes one to begin with",
            )
    examine(*settings_of(config, path, look), root, look)
    found = [*look]
    named = short(path, config.rootpath) if path else "this machine"
    width = get_terminal_size().columns
    print(f"diversity doctor: {shorten(named, width - 18)}")  # noqa: T201 - a command
    print(*lines(found, config.rootpath, width), sep="\n")  # noqa: T201 - a command
    return int(any(one.status == "FAIL" for one in found))


def _init(config: pytest.Config) -> int:
    """Write what there is to begin with, in the folder that is named, or here."""
    named = config.args if config.args_source == config.ArgsSource.ARGS else []
    if len(named) > 1:
        raise ConfigError(
            f"--diversity-init writes into one folder, not {len(named)}", fix="name one of them"
        )
    for line in start(Path(config.invocation_params.dir, *named)):
        print(visible(line))  # noqa: T201 - a command
    return 0


_DONE = {"doctor": _doctor, "init": _init}
