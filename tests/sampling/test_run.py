"""Whole pytest runs that sample a real, small model."""

from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path

import pytest

CONFIG = """
[checkpoints]
base = "{model}"
greedy = {{ model = "{model}", temperature = 0 }}
[defaults]
samples_per_prompt = 4
max_tokens = 16
device = "cpu"
dtype = "float32"
reference = "base"
[domains.talk]
prompts = "prompts.jsonl"
[domains.talk.budget]
lexical = {{ max_drop = "20%" }}
[domains.chat]
prompts = "prompts.jsonl"
max_prompts = 7
[domains.chat.budget]
lexical = {{ max_drop = "20%" }}
"""


@pytest.fixture
def project(pytester: pytest.Pytester, tiny: Path) -> pytest.Pytester:
    """A project with two checkpoints, the second greedy and so without any diversity."""
    lines = "\n".join(f'{{"id": "p{i}", "prompt": "say {i} of it"}}' for i in range(8))
    pytester.path.joinpath("prompts.jsonl").write_text(lines)
    pytester.path.joinpath("diversity.toml").write_text(CONFIG.format(model=tiny.as_posix()))
    return pytester


def _rows(project: pytest.Pytester) -> int:
    with sqlite3.connect(project.path / ".diversity/samples.sqlite") as connection:
        return int(connection.execute("SELECT COUNT(*) FROM sample").fetchone()[0])


def test_a_collapse_turns_the_run_red(project: pytest.Pytester) -> None:
    """The greedy checkpoint fails its gate, the base passes; progress is shown in plain lines."""
    result = project.runpytest_inprocess("-p", "no:cacheprovider")
    result.assert_outcomes(passed=2, failed=2)
    result.stdout.fnmatch_lines(
        ["*talk lexical drop * > 20% (greedy)*", "64 samples drawn, 56 from the store"]
    )
    result.stderr.fnmatch_lines(["diversity: base talk: drawing 32 samples"])
    assert _rows(project) == 2 * 8 * 4


def test_a_second_run_needs_no_torch(project: pytest.Pytester) -> None:
    """Everything comes from the store, and torch is not imported."""
    project.runpytest_inprocess("-p", "no:cacheprovider")
    project.makeconftest(
        "import sys\n"
        "def pytest_unconfigure():\n"
        "    print('torch imported:', 'torch' in sys.modules)\n"
    )
    result = project.runpytest_subprocess("-p", "no:cacheprovider")
    result.assert_outcomes(passed=2, failed=2)
    result.stdout.fnmatch_lines(["*from the store, none drawn*", "torch imported: False"])


UNREADABLE = {
    "a template that refuses a system message": (
        "{% if messages[0].role == 'system' %}{{ raise_exception('no system here') }}{% endif %}",
        "the chat template cannot write prompt 'p0': no system here; ask without a system message",
    ),
    "a template that leaves it out": (
        "{{ messages[-1]['content'] }}",
        "the chat template cannot write prompt 'p0': it leaves out the system message; ask *",
    ),
    "a template that is not Jinja": ("{% if %}", "the chat template cannot write prompt 'p0': *"),
    "a template that is not there": ("none.jinja", "*none.jinja does not exist; check the path"),
}


@pytest.mark.parametrize("case", UNREADABLE)
def test_what_no_model_can_read_is_said_before_anything_is_drawn(
    project: pytest.Pytester, case: str
) -> None:
    """The run ends with the line of the checkpoint, though the one before it could be drawn."""
    template, message = UNREADABLE[case]
    config = project.path / "diversity.toml"
    said = f'temperature = 0, system = "Be brief.", template = """{template}"""'
    config.write_text(config.read_text().replace("temperature = 0", said))
    result = project.runpytest_inprocess("-p", "no:cacheprovider")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"ERROR: diversity: *diversity.toml:4: {message}*"])
    result.stdout.no_fnmatch_line("*Traceback*")
    assert not (project.path / ".diversity/samples.sqlite").exists() or _rows(project) == 0


@pytest.mark.long
def test_what_no_model_can_read_is_said_by_workers_too(
    project: pytest.Pytester, tiny: Path
) -> None:
    """One of them looks, and the run ends before any of them draws."""
    shutil.copytree(tiny, project.path / "cut")
    (project.path / "cut/tokenizer.json").write_text('{"version":')
    config = project.path / "diversity.toml"
    config.write_text(config.read_text().replace(tiny.as_posix(), "cut"))
    result = project.runpytest_subprocess("-p", "no:cacheprovider", "-n", "2")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(
        ["ERROR: diversity: *diversity.toml:3: checkpoint *cut cannot be loaded: JSONDecodeE*"]
    )
    result.stdout.no_fnmatch_line("*Traceback*")
    assert _rows(project) == 0


@pytest.mark.long
def test_two_workers_draw_nothing_twice(project: pytest.Pytester) -> None:
    """Under -n 2 each sample is drawn once, and the summary counts all of them."""
    result = project.runpytest_subprocess("-p", "no:cacheprovider", "-n", "2")
    result.assert_outcomes(passed=2, failed=2)
    assert _rows(project) == 2 * 8 * 4
    result.stdout.fnmatch_lines(["*talk*lexical*fail*"])


def test_a_silent_run_is_silent(project: pytest.Pytester) -> None:
    """Without a terminal reporter nothing is printed, and the exit code tells."""
    result = project.runpytest_inprocess("-p", "no:terminal", "-p", "no:cacheprovider")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    assert result.stdout.str() == ""
    assert result.stderr.str() == ""


@pytest.mark.long
def test_a_baseline_of_other_arithmetic_is_said(project: pytest.Pytester) -> None:
    """Samples in another number format differ for another reason than a fine-tune: a note."""
    config = project.path / "diversity.toml"
    config.write_text(config.read_text().replace('reference = "base"', 'reference = "baseline"'))
    chosen = ("-p", "no:cacheprovider", "-k", "talk and base")
    project.runpytest_inprocess(*chosen, "--diversity-record").assert_outcomes(
        passed=1, deselected=3
    )
    result = project.runpytest_inprocess(*chosen, "--diversity-dtype", "bfloat16")
    result.stdout.fnmatch_lines(["*baseline was recorded with dtype float32, this is bfloat16*"])
    result.stdout.no_fnmatch_line("*recorded with engine*")
