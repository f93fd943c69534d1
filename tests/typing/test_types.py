"""What a user's type checker sees of us: both of those that most have, on a suite with every name.

Of the two forms of pyright, basedpyright has all of it in its wheels; the other fetches itself from
npm when it first runs.
"""

from __future__ import annotations

import inspect
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import pytest_diversity
from pytest_diversity import Diversity
from pytest_diversity.plugin import fixtures, hookspecs

SUITE = Path(__file__).with_name("suite.py")
# As strict as pyright is; it is mypy's to check what only mypy's comments say.
PYRIGHT = {
    "include": [SUITE.name],
    "typeCheckingMode": "strict",
    "enableTypeIgnoreComments": False,
    "reportUnnecessaryTypeIgnoreComment": "error",
    "reportUnusedExpression": "none",
}
CHECKERS = {
    "mypy": ["mypy", "--strict", "--follow-imports=silent", SUITE.name],
    "pyright": ["basedpyright", "--pythonpath", sys.executable],
}


def test_the_suite_has_every_public_name() -> None:
    """Functions, classes, assertions, fixtures, hooks."""
    methods = {name for name, _ in inspect.getmembers(Diversity, inspect.isfunction)}
    hooks = {name for name in vars(hookspecs) if name.startswith("pytest_diversity_")}
    names = {*pytest_diversity.__all__, *fixtures.__all__, *methods, *hooks}
    public = {name for name in names if not name.startswith("_")} - {"assert_no_regression"}
    used = set(re.findall(r"\w+", SUITE.read_text(encoding="utf-8")))
    assert sorted(public - used) == []


@pytest.mark.long
@pytest.mark.parametrize("checker", CHECKERS)
def test_a_users_suite_has_the_types_that_it_says(tmp_path: Path, checker: str) -> None:
    """In a folder of its own, where nothing is known of us but what is installed."""
    shutil.copy(SUITE, tmp_path)
    (tmp_path / "pyrightconfig.json").write_text(json.dumps(PYRIGHT))
    done = subprocess.run(  # noqa: S603 - our own arguments
        [sys.executable, "-m", *CHECKERS[checker]],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
