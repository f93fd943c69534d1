"""`make matrix` reads from pyproject.toml what it installs."""

from __future__ import annotations

import tomllib
from pathlib import Path

from benchmarks.matrix import ENVIRONMENTS, lower_bounds

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def test_every_library_that_users_install_has_a_lower_bound() -> None:
    """One without would be run at its newest in an environment that says otherwise."""
    project = PROJECT["project"]
    extras = project["optional-dependencies"]
    users = [one for name, asked in extras.items() for one in asked if "bench" not in name]
    libraries = [one for one in project["dependencies"] + users if "[" not in one]
    assert lower_bounds(project).items() >= {tuple(one.split(">=")) for one in libraries}


def test_every_python_that_is_promised_is_run() -> None:
    """And none but those."""
    prefix = "Programming Language :: Python :: "
    named = {one.removeprefix(prefix) for one in PROJECT["project"]["classifiers"]}
    run = {one.python.removeprefix("python") for one in ENVIRONMENTS.values()}
    assert {one for one in named if one[0].isdigit()} == run


def test_what_is_run_exists() -> None:
    """A test that has moved would be an environment in which nothing runs."""
    run = {path for one in ENVIRONMENTS.values() for path in one.tests}
    assert all((ROOT / path).exists() for path in run)
    groups = {one.group for one in ENVIRONMENTS.values() if one.group}
    assert groups <= set(PROJECT["dependency-groups"])
