"""Running generated programs, from the command line's point of view."""

from __future__ import annotations

import json
import shutil

import pytest

CONFIG = """
[checkpoints]
m = "replay:samples.jsonl"
[domains.code]
prompts = "prompts.jsonl"
{execution}
[domains.code.budget]
effective = {{ min = 0.3 }}
quality = {{ min = 0.3 }}
"""
PROGRAMS = (
    "def f(xs): return sum(xs)",
    "def f(values):\n    total = 0\n    for value in values: total += value\n    return total",
    "def f(xs): return len(xs)",
    "def f(xs): return sorted(xs)",
)


@pytest.fixture
def project(pytester: pytest.Pytester) -> pytest.Pytester:
    """Eight prompts with four programs each, of which two do the same."""
    samples, prompts = [], []
    for number in range(8):
        name = f"p{number}"
        prompts.append(
            {"id": name, "prompt": name, "entry_point": "f", "inputs": [[[3, 1]], [[number]]]}
        )
        samples += [
            {"domain": "code", "prompt": name, "index": index, "text": text}
            for index, text in enumerate(PROGRAMS)
        ]
    for file, records in (("prompts", prompts), ("samples", samples)):
        lines = "\n".join(map(json.dumps, records))
        (pytester.path / f"{file}.jsonl").write_text(lines)
    return pytester


def _configure(project: pytest.Pytester, execution: str = "") -> None:
    (project.path / "diversity.toml").write_text(CONFIG.format(execution=execution))


def test_nothing_is_run_unless_it_is_asked_for(project: pytest.Pytester) -> None:
    """Without opting in, what programs mean is undefined, in one sentence that says how."""
    _configure(project)
    result = project.runpytest()
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(
        ["*running generated programs is off; opt in with execution = *--diversity-allow-execution"]
    )
    result.stdout.no_fnmatch_line("*code sandbox*")


@pytest.mark.parametrize(
    ("execution", "options"),
    [('execution = "sandbox"', []), ("", ["--diversity-allow-execution"])],
    ids=["by the domain", "by the command line"],
)
def test_programs_that_do_the_same_mean_the_same(
    project: pytest.Pytester, execution: str, options: list[str]
) -> None:
    """Of four programs in three meanings, five of six pairs differ; the header names the walls."""
    _configure(project, execution)
    result = project.runpytest(*options)
    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines(
        ["diversity: code sandbox: seccomp + *", "m *code *effective *0.833 *>= 0.300 *pass*8 x 4"]
    )


def test_a_second_run_executes_nothing(
    project: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Outcomes are remembered by program, inputs and sandbox."""
    _configure(project, 'execution = "sandbox"')
    project.runpytest().assert_outcomes(passed=2)
    monkeypatch.setattr("pytest_diversity.sandbox.Sandbox.run", None)
    project.runpytest().assert_outcomes(passed=2)


def test_two_workers_execute_together(project: pytest.Pytester) -> None:
    """Under -n 2 both families have the same outcomes."""
    _configure(project, 'execution = "sandbox"')
    project.runpytest("-n", "2").assert_outcomes(passed=2)


def test_without_walls_nothing_is_run(
    project: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where no sandbox holds the run ends before it starts, with exit code 4 and a way out."""
    monkeypatch.setattr("pytest_diversity.sandbox.tiers.BARRIERS", ())
    monkeypatch.setattr("pytest_diversity.sandbox.sandbox.find_tier", _uncached())
    _configure(project, 'execution = "sandbox"')
    result = project.runpytest()
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: diversity: refusing to run model-generated code: *"])
    result.stdout.fnmatch_lines(["diversity: code sandbox: none holds here"])


def test_a_check_at_fault_ends_no_gate(project: pytest.Pytester) -> None:
    """Its prompt is left out, and the report says which prompt and what is wrong with its check."""
    _configure(project, 'execution = "sandbox"')
    path = project.path / "diversity.toml"
    quality = 'quality = { metric = "correctness", min = 0.2 }'
    path.write_text(path.read_text().replace("quality = { min = 0.3 }", quality))
    prompts = project.path / "prompts.jsonl"
    records = [json.loads(line) for line in prompts.read_text().splitlines()]
    for record in records:
        record["check"] = "def check(candidate):\n    assert candidate([3, 1]) == 4"
    records[2]["check"] = "def check(candidate:"
    prompts.write_text("\n".join(map(json.dumps, records)))
    result = project.runpytest()
    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines(
        ["*the check of prompt 'p2' cannot be loaded: SyntaxError*: the prompt is left out*"]
    )


def _uncached() -> object:
    from pytest_diversity.sandbox import find_tier  # noqa: PLC0415 - its cache is cut

    return find_tier.__wrapped__


def test_only_the_command_line_or_the_environment_takes_the_walls_down(
    project: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A checked-in file cannot; the flag and the variable can, and every run shouts."""
    _configure(project, 'execution = "unsafe"')
    result = project.runpytest()
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*diversity.toml:*: unknown execution 'unsafe'*"])
    _configure(project)
    shout = "*WARNING model-generated code runs WITHOUT a sandbox*"
    project.runpytest("--diversity-unsafe-code").stdout.fnmatch_lines([shout])
    shutil.rmtree(project.path / ".diversity")
    monkeypatch.setenv("PYTEST_DIVERSITY_UNSAFE_CODE", "1")
    result = project.runpytest()
    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines([shout])
