"""What the plugin leaves alone, and what it says in one line when it is active."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

NO_CACHE = ("-p", "no:cacheprovider")

ORDINARY = """
import sys
import pytest

@pytest.fixture
def checkpoint():
    return "my own"

@pytest.fixture
def samples():
    return [1, 2]

def test_a(checkpoint, samples):
    assert (checkpoint, samples) == ("my own", [1, 2])

@pytest.mark.parametrize("checkpoint", ["a", "b"])
def test_b(checkpoint):
    assert checkpoint in "ab"

def test_c():
    assert not {"numpy", "scipy", "tree_sitter", "torch", "sqlite3"} & set(sys.modules)
"""


def test_a_suite_that_does_not_use_it_sees_nothing_of_it(pytester: pytest.Pytester) -> None:
    """Output and files are as without the plugin, even if fixtures share our names."""
    pytester.makepyfile(test_ordinary=ORDINARY)
    seen = []
    for arguments in (["-p", "no:diversity"], []):
        result = pytester.runpytest_subprocess("-v", "-p", "no:hypothesispytest", *arguments)
        result.assert_outcomes(passed=4)
        text = re.sub(
            r"in \d+\.\d+s|diversity-[\d.]+, |, diversity-[\d.]+", "", result.stdout.str()
        )
        files = sorted(
            path.relative_to(pytester.path).as_posix()
            for path in pytester.path.rglob("*")
            if not path.name.startswith(("std", "runpytest-"))  # pytester's own
        )
        seen.append((text.rstrip("= \n"), result.stderr.str(), files))
    assert seen[0] == seen[1]


def test_the_marker_is_registered(pytester: pytest.Pytester) -> None:
    """`--strict-markers` and `--markers` know it, and a suite may use it."""
    pytester.makepyfile("import pytest\n@pytest.mark.diversity\ndef test_a(): ...")
    result = pytester.runpytest_inprocess(*NO_CACHE, "--strict-markers", "-m", "diversity")
    result.assert_outcomes(passed=1)
    pytester.runpytest_inprocess("--markers").stdout.fnmatch_lines(["@pytest.mark.diversity: *"])


def test_the_options_are_shown_in_the_help(pytester: pytest.Pytester) -> None:
    """All of them in one group."""
    result = pytester.runpytest_inprocess("--help")
    result.stdout.fnmatch_lines(
        [
            "diversity regression testing of language models:",
            "*--diversity-config=PATH*",
            "*--diversity-checkpoint=NAME[[]=SOURCE[]]*",
            "*--diversity-device=DEVICE*",
            "*--diversity-strict*",
        ]
    )


def test_the_header_says_where_settings_come_from(
    project: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One line: the file, the checkpoints, and every setting with its origin."""
    monkeypatch.setenv("PYTEST_DIVERSITY_DTYPE", "float32")
    text = (project.path / "diversity.toml").read_text()
    (project.path / "diversity.toml").write_text(
        text.replace("[defaults]", '[defaults]\nstore = "kept/s.sqlite"\ndevice = "cuda"')
    )
    result = project.runpytest_inprocess(*NO_CACHE, "--collect-only", "--diversity-samples", "3")
    [line] = [line for line in result.outlines if line.startswith("diversity:")]
    assert line == (
        "diversity: diversity.toml, checkpoints base, dpo, device cuda (diversity.toml), "
        "dtype float32 (environment), samples 3 (command line), store kept/s.sqlite"
    )


def test_the_header_without_a_file(project: pytest.Pytester) -> None:
    """Checkpoints of the command line are enough to be active."""
    (project.path / "diversity.toml").unlink()
    project.makepyfile("def test_a(diversity): diversity.assert_quality(domain='prose', min=0.9)")
    result = project.runpytest_inprocess(*NO_CACHE, "--diversity-checkpoint", "a=replay:base.jsonl")
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["diversity: no file, checkpoints a, store .diversity/*"])


def test_fewer_samples_on_request(project: pytest.Pytester) -> None:
    """`--diversity-samples` holds for recorded samples, too."""
    result = project.runpytest_inprocess(*NO_CACHE, "-k", "base", "--diversity-samples", "2")
    result.stdout.fnmatch_lines(["base * prose * lexical * pass * 8 x 2"])


def test_recorded_samples_leave_no_trace(project: pytest.Pytester) -> None:
    """A run that draws nothing makes no store."""
    before = sorted(project.path.iterdir())
    project.runpytest_inprocess(*NO_CACHE)
    assert sorted(project.path.iterdir()) == before
    assert not Path(project.path, ".diversity").exists()


def test_a_suite_with_a_configuration_but_no_use_of_it(project: pytest.Pytester) -> None:
    """Other tests run as ever beside a diversity.toml, and there is no summary of nothing."""
    project.makepyfile(test_other="def test_a(): ...")
    result = project.runpytest_inprocess(*NO_CACHE, "test_other.py")
    result.assert_outcomes(passed=1)
    result.stdout.no_fnmatch_line("*= diversity =*")


def test_a_gate_without_memory_is_a_sentence(project: pytest.Pytester) -> None:
    """Pytest need not show the frames that hold what there is no room for."""
    (project.path / "diversity.toml").write_text('[checkpoints]\nbase = "replay:base.jsonl"\n')
    project.makepyfile("def test_it(diversity): raise MemoryError")
    result = project.runpytest_inprocess("-p", "no:cacheprovider")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["there is no memory left; free some, *"])
    result.stdout.no_fnmatch_line("*raise MemoryError*")
