"""`--diversity-init`: what it writes can be used, and nothing is ever overwritten."""

from __future__ import annotations

import ast
import re
import tomllib
from pathlib import Path

import pytest
import yaml

from pytest_diversity.config.file import load_config
from pytest_diversity.studies.start import FILES


def _init(pytester: pytest.Pytester, *arguments: str) -> pytest.RunResult:
    return pytester.runpytest_inprocess("--diversity-init", *arguments)


def test_what_is_written(pytester: pytest.Pytester) -> None:
    """A configuration that is read, a module that is collected, a workflow that is YAML."""
    result = _init(pytester)
    assert result.ret == pytest.ExitCode.OK
    result.stdout.fnmatch_lines([*(f"written: {name}" for name in FILES), "next: *"])
    assert [*load_config(pytester.path / "diversity.toml").checkpoints] == ["base"]
    ast.parse((pytester.path / "test_diversity.py").read_text())
    collected = pytester.runpytest_inprocess("--collect-only", "-q")
    assert collected.ret == pytest.ExitCode.OK
    collected.stdout.fnmatch_lines(["diversity.toml::*", "test_diversity.py::*[[]base[]]"])
    workflow = yaml.safe_load((pytester.path / ".github/workflows/diversity.yml").read_text())
    steps = workflow["jobs"]["diversity"]["steps"]
    (cache,) = [step["with"] for step in steps if "actions/cache" in step.get("uses", "")]
    assert ".diversity" in cache["path"].split()


def test_every_key_is_explained(pytester: pytest.Pytester) -> None:
    """Each line that says something has a comment, in it or above it."""
    _init(pytester)
    text = (pytester.path / "diversity.toml").read_text()
    tomllib.loads(text)
    lines = text.splitlines()
    said = [number for number, line in enumerate(lines) if re.match(r"\w+ *=", line)]
    bare = [lines[n] for n in said if "#" not in lines[n] and not lines[n - 1].startswith("#")]
    assert bare == ['prompts = "builtin:creative-writing"']  # explained where it stands first


def test_a_named_folder_is_made(pytester: pytest.Pytester) -> None:
    """It may be one that is not there."""
    assert _init(pytester, "new/place").ret == pytest.ExitCode.OK
    assert (pytester.path / "new/place/diversity.toml").is_file()


@pytest.mark.parametrize("there", FILES)
def test_what_is_there_is_left_alone(pytester: pytest.Pytester, there: str) -> None:
    """It is said, and the others are written; when all are there, nothing is, with exit code 4."""
    path = pytester.path / there
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("# mine\n")
    result = _init(pytester)
    assert result.ret == pytest.ExitCode.OK
    result.stdout.fnmatch_lines([f"left alone: {there}, which is there"])
    assert path.read_text() == "# mine\n"
    again = _init(pytester)
    assert again.ret == pytest.ExitCode.USAGE_ERROR
    again.stderr.fnmatch_lines(["ERROR: diversity: nothing was written: *; name another folder*"])
    assert path.read_text() == "# mine\n"


def test_a_folder_below_a_repository(pytester: pytest.Pytester) -> None:
    """GitHub reads no workflow there, which is said."""
    (pytester.path / ".git").mkdir()
    _init(pytester, "below").stdout.fnmatch_lines([f"GitHub reads workflows of {pytester.path} *"])


def test_a_folder_that_cannot_be_written(pytester: pytest.Pytester) -> None:
    """One sentence, and no traceback."""
    Path(pytester.path, "file").write_text("")
    result = _init(pytester, "file")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: diversity: *file/diversity.toml cannot be written: *"])


@pytest.mark.parametrize("other", ["--diversity-doctor", "--diversity-list", "--diversity-plan"])
def test_two_things_at_once(pytester: pytest.Pytester, other: str) -> None:
    """One sentence, and neither is done."""
    result = _init(pytester, other)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: diversity: --diversity-* are done one at a time; *"])
    assert not (pytester.path / "diversity.toml").exists()


def test_several_folders(pytester: pytest.Pytester) -> None:
    """There is one to write into."""
    result = _init(pytester, "a", "b")
    result.stderr.fnmatch_lines(["ERROR: diversity: --diversity-init writes into one folder, *"])
