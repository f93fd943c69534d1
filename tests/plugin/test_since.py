"""`--diversity-since`: of training runs the later steps alone are gated, and that is said."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest

CONFIG = """
[checkpoints]
base = "replay:base.jsonl"
run = "replay:runs/*/step-*.jsonl"
[defaults]
reference = "base"
[domains.code.budget]
lexical = { max_drop = "90%", reference = "REFERENCE" }
"""
STEPS = {"dpo": (9, 10, 200), "sft": (9, 10)}
BASE, LATE = "base", "run-dpo-200"
EVERY = ("run-dpo-9", "run-dpo-10", "run-dpo-200", "run-sft-9", "run-sft-10")


@pytest.fixture
def run(project: pytest.Pytester, record: Callable[..., Path]) -> Callable[..., pytest.RunResult]:
    """A function that runs pytest on two training runs."""
    for name, steps in STEPS.items():
        (project.path / "runs" / name).mkdir(parents=True)
        for step in steps:
            record(project.path / f"runs/{name}/step-{step}.jsonl", different=3)

    def once(*arguments: str, reference: str = "base") -> pytest.RunResult:
        text = CONFIG.replace("REFERENCE", reference)
        (project.path / "diversity.toml").write_text(text)
        return project.runpytest("-p", "no:cacheprovider", *arguments)

    return once


def judged(result: pytest.RunResult) -> list[str]:
    """The checkpoints in the table of the summary, in order of their names."""
    rows = [line.split() for line in result.outlines if " code " in line and " x " in line]
    return sorted(row[0] for row in rows)


Case = tuple[Sequence[str], str, Sequence[str], str]
CASES: Mapping[str, Case] = {
    "a step in the middle": (
        ("--diversity-since=10",),
        "base",
        [BASE, "run-dpo-10", LATE, "run-sft-10"],
        "--diversity-since 10 left out 2 of 6 checkpoints, of earlier steps: run-dpo-9, run-sft-9",
    ),
    "with xdist": (
        ("--diversity-since=11", "-n", "2"),
        "base",
        [BASE, LATE],
        "--diversity-since 11 left out 4 of 6 checkpoints*: run-dpo-9 to run-dpo-10, run-sft-9 *",
    ),
    "a run whose steps are all before it": (
        ("--diversity-since=200",),
        "base",
        [BASE, LATE],
        "--diversity-since 200: nothing is tested of run-sft, whose steps are all before it",
    ),
    "the reference is an earlier step": (
        ("--diversity-since=200",),
        "run-dpo-9",
        [BASE, LATE],
        "--diversity-since 200 left out 4 of 6 checkpoints, of earlier steps: *",
    ),
    "all steps": (
        ("--diversity-since=0",),
        "base",
        [BASE, *EVERY],
        "--diversity-since 0 left nothing out: no step is before it",
    ),
    "no step at all": (
        ("--diversity-since=9", "--diversity-checkpoint=base"),
        "base",
        [BASE],
        "--diversity-since 9 left nothing out: no checkpoint under test is a step of a run",
    ),
}


@pytest.mark.parametrize(
    "case", [pytest.param(one, marks=pytest.mark.long if "xdist" in one else ()) for one in CASES]
)
def test_earlier_steps_are_left_out(case: str, run: Callable[..., pytest.RunResult]) -> None:
    """What has no step stays, and so does what is compared with; the summary says what is not."""
    arguments, reference, names, line = CASES[case]
    result = run(*arguments, reference=reference)
    assert result.ret == 0
    assert judged(result) == sorted(names)
    result.stdout.fnmatch_lines([line])
    result.stdout.fnmatch_lines(["diversity: *, since *(command line)*"])


REFUSED: Mapping[str, tuple[str, str]] = {
    "nothing is left": (
        "201",
        "*no checkpoint under test is of step 201 or later (*): the last one is run-dpo-200; *200*",
    ),
    "below nothing": ("-1", "*'since' must be at least 0 (command line); raise it"),
    "no number": ("last", "*'since'*'last'*(command line)*"),
    "half a step": ("1.5", "*'since'*'1.5'*(command line)*"),
}


@pytest.mark.parametrize(
    "workers", [(), pytest.param(("-n", "2"), marks=pytest.mark.long)], ids=["alone", "with xdist"]
)
@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be(
    case: str, workers: Sequence[str], run: Callable[..., pytest.RunResult]
) -> None:
    """One sentence, and exit code 4, as of a pattern that matches nothing."""
    step, message = REFUSED[case]
    result = run(f"--diversity-since={step}", *workers)
    assert result.ret == 4
    result.stderr.fnmatch_lines([message])
    assert not [line for line in result.errlines if "Traceback" in line]


@pytest.mark.parametrize("study", ["--diversity-list", "--diversity-plan"])
def test_studies_leave_them_out_too(study: str, run: Callable[..., pytest.RunResult]) -> None:
    """They speak of the gates that a run would judge, and say what it would not."""
    result = run("--diversity-since=200", study)
    assert result.ret == 0
    tables = [line for line in result.outlines if not line.startswith(("diversity:", "--"))]
    shown = [name for name in EVERY if any(name in line for line in tables)]
    assert shown == [LATE]
    result.stdout.fnmatch_lines(["--diversity-since 200 left out 4 of 6 checkpoints*"])


@pytest.mark.long
def test_what_was_recorded_of_earlier_steps_is_in_use(
    run: Callable[..., pytest.RunResult],
) -> None:
    """It is listed as nothing that is unused, and not pruned by a run that does not test them."""
    assert run("--diversity-record", reference="baseline").ret == 0
    later = ("--diversity-since=200",)
    listed = run(*later, "--diversity-list", reference="baseline")
    listed.stdout.no_fnmatch_line("*baselines that no*")
    pruned = run(*later, "--diversity-prune", reference="baseline")
    assert pruned.ret == 4
    pruned.stdout.fnmatch_lines(["*nothing was pruned: --diversity-since ran a part of the tests*"])
    assert judged(run(*later, reference="baseline")) == [BASE, LATE]
