"""Files of baselines: broken, in the way, written by two at once."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from .recordings import FOLDER

BROKEN: Mapping[str, tuple[Callable[[str], str], int, str]] = {
    "truncated": (lambda text: text[: text.index('"p3"') + 3], 11, "not JSON: *"),
    "a merge conflict": (
        lambda text: text.replace('      "p1": 1.0,', "<<<<<<< HEAD\n=======\n>>>>>>> dpo"),
        9,
        "a merge conflict; keep one side, or delete the file and record it anew: pytest *",
    ),
    "a value that is no number": (
        lambda text: text.replace('"p1": 1.0', '"p1": "high"'),
        9,
        "pair_distinct(n=4) of prompt 'p1' is not a number: *high*",
    ),
    "a value that is not finite": (
        lambda text: text.replace('"p1": 1.0', '"p1": NaN'),
        9,
        "pair_distinct(n=4) of prompt 'p1' is not a number: NaN; *",
    ),
    "a value that has changed": (
        lambda text: text.replace('"p1": 1.0', '"p1": 1.5'),
        3,
        "checkpoint 'base' is not what was recorded: it was changed since; restore it from *",
    ),
    "no values": (
        lambda text: text.replace('"values"', '"valeus"'),
        6,
        "pair_distinct(n=4) of checkpoint 'base' has no values; *",
    ),
    "an unknown key": (
        lambda text: text.replace('"prompts"', '"colour": 1, "prompts"', 1),
        19,
        "unknown key 'colour'; *",
    ),
    "a newer schema": (
        lambda text: text.replace('"schema": 1', '"schema": 99'),
        87,
        "schema 99 is from a newer pytest-diversity, this reads 1; *",
    ),
    "a schema that never was": (
        lambda text: text.replace('"schema": 1', '"schema": 0'),
        87,
        "there was never a schema 0 of baselines; *",
    ),
    "a schema that is no number": (
        lambda text: text.replace('"schema": 1', '"schema": true'),
        1,
        "not a baseline of pytest-diversity: it has no schema version; *",
    ),
    "another file": (lambda _: "[]", 1, "not a baseline of pytest-diversity: *"),
    "an empty file": (lambda _: "", 1, "not JSON: *"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_broken_files(project: pytest.Pytester, case: str) -> None:
    """One sentence with the place, and nothing is overwritten on the way."""
    change, line, message = BROKEN[case]
    project.runpytest_inprocess("--diversity-record")
    path = project.path / FOLDER / "code.json"
    path.write_text(change(path.read_text()))
    broken = path.read_text()
    result = project.runpytest_inprocess("-k", "code and base")
    result.assert_outcomes(failed=1)
    said = next(entry for entry in result.outlines if entry.startswith(str(path)))
    assert said.startswith(f"{path}:{line}: ")
    result.stdout.fnmatch_lines([f"*{message}".replace("[", "[[]")])
    result = project.runpytest_inprocess("--diversity-record", "-k", "code and base")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert path.read_text() == broken


@pytest.mark.parametrize("name", ["../../out", "/out", "..", "a/b", "%2e%2e"])
def test_the_name_of_a_domain_is_no_path(project: pytest.Pytester, name: str) -> None:
    """Its file lies in the folder of baselines, and is found there again."""
    config = f"[checkpoints]\nbase = 'replay:base.jsonl'\n['domains'.'{name}'.budget]\n"
    (project.path / "diversity.toml").write_text(f"{config}lexical = {{ min = 0.1 }}\n")
    before = {path for path in project.path.rglob("*.json") if path.is_file()}
    for option in ("--diversity-record", "--diversity-record-new"):
        project.runpytest_inprocess(option).assert_outcomes(passed=1)
    made = set(project.path.rglob("*.json")) - before
    assert [path.parent for path in made] == [project.path / FOLDER]
    assert not (project.path.parent / "out.json").exists()


def test_a_checkout_that_cannot_be_written_to(project: pytest.Pytester) -> None:
    """One sentence and exit code 4; what stands in the way stays."""
    (project.path / "tests").mkdir()
    (project.path / FOLDER).write_text("a file where the folder should be")
    result = project.runpytest_inprocess("--diversity-record")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: diversity: the baselines * cannot be written; record *"])
    result.stdout.no_fnmatch_line("*Traceback*")


RECORDER = """
import sys
from pytest_diversity.baselines.record import record
from pytest_diversity.events import BaselineRecorded
profile = {"settings": {}, "prompts": "p", "weights": "w", "versions": {}, "metrics": {}}
sys.stdin.read()
record([BaselineRecorded(sys.argv[1], sys.argv[2], profile)])
"""


@pytest.mark.long
@pytest.mark.skipif(sys.platform == "win32", reason="folders are not locked there")
def test_two_recordings_at_once_lose_nothing(tmp_path: Path) -> None:
    """Each adds to what the other one has written, and nothing lies beside the file."""
    names = [f"checkpoint-{number}" for number in range(4)]
    for trial in range(5):
        path = tmp_path / str(trial) / "tests" / "prose.json"
        runs = [
            subprocess.Popen(  # noqa: S603 - our own code
                [sys.executable, "-c", RECORDER, str(path), name], stdin=subprocess.PIPE
            )
            for name in names
        ]
        for run in runs:  # all of them are ready
            assert run.stdin is not None
            run.stdin.close()
        assert [run.wait() for run in runs] == [0] * len(runs)
        assert sorted(json.loads(path.read_text())["checkpoints"]) == names
        assert [*path.parent.iterdir()] == [path]
