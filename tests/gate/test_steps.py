"""Samples looked at in steps: clear verdicts early, unclear ones with all samples."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

Record = Callable[..., Path]
CONFIG = """
[checkpoints]
base = "replay:base.jsonl"
dpo = "replay:dpo.jsonl"
[defaults]
reference = "base"
[domains.prose]
samples_per_prompt = 16
adaptive = true
[domains.prose.budget]
lexical = { max_drop = "20%" }
"""


@pytest.fixture
def steps(project: pytest.Pytester, record: Record) -> pytest.Pytester:
    """Two checkpoints with 16 samples of each prompt."""
    record(project.path / "base.jsonl", samples=16, different=16)
    record(project.path / "dpo.jsonl", samples=16, different=16)
    (project.path / "diversity.toml").write_text(CONFIG)
    return project


# different texts among the samples of the checkpoint -> (outcome, samples it takes)
CASES: Mapping[str, tuple[int, str, int]] = {
    "nothing has changed": (16, "pass", 4),
    "everything has collapsed": (1, "fail", 4),
}


@pytest.mark.parametrize("case", CASES)
def test_clear_cases_take_few_samples(steps: pytest.Pytester, record: Record, case: str) -> None:
    """In both directions, and the summary says what was saved."""
    different, status, count = CASES[case]
    record(steps.path / "dpo.jsonl", samples=16, different=different)
    result = steps.runpytest_inprocess("-k", "dpo")
    result.assert_outcomes(**{"passed" if status == "pass" else "failed": 1})
    result.stdout.fnmatch_lines(
        [
            f"dpo *{status} *8 x {count}",
            "adaptive: 64 of at most 256 samples used, 75% saved",
            f"prose lexical: adaptive: decided at {count} of 16 samples a prompt",
        ]
    )


def test_an_unclear_case_takes_all(steps: pytest.Pytester, record: Record) -> None:
    """Near the budget nothing is decided early."""
    text = CONFIG.replace('"20%"', "0.032")
    (steps.path / "diversity.toml").write_text(text)
    kept = record(steps.path / "dpo.jsonl", samples=16, different=16, prompts=7).read_text()
    lost = record(steps.path / "dpo.jsonl", samples=16, different=2, prompts=1, first=7).read_text()
    (steps.path / "dpo.jsonl").write_text(kept + lost)
    result = steps.runpytest_inprocess("-k", "dpo")
    result.stdout.fnmatch_lines(["dpo *8 x 16", "*decided at 16 of 16 samples a prompt"])
    result.stdout.no_fnmatch_line("*saved*")


@pytest.mark.parametrize("option", ["--diversity-adaptive", ""])
def test_it_is_asked_for(steps: pytest.Pytester, option: str) -> None:
    """By the domain or for all domains; otherwise all samples are taken at once."""
    (steps.path / "diversity.toml").write_text(CONFIG.replace("adaptive = true\n", ""))
    result = steps.runpytest_inprocess("-k", "dpo", *filter(None, [option]))
    result.stdout.fnmatch_lines([f"dpo *pass *8 x {4 if option else 16}"])


def test_levels_of_metrics_that_depend_on_the_number_of_samples(steps: pytest.Pytester) -> None:
    """Few samples would flatter them: they are judged on all."""
    budget = 'lexical = { metric = "distinct(n=2)", min = 0.1 }'
    text = CONFIG.replace('lexical = { max_drop = "20%" }', budget)
    (steps.path / "diversity.toml").write_text(text)
    steps.runpytest_inprocess("-k", "dpo").stdout.fnmatch_lines(["dpo *pass *8 x 16"])


def test_what_is_recorded_is_of_all_samples(steps: pytest.Pytester) -> None:
    """A baseline of a few samples could not be compared with later."""
    result = steps.runpytest_inprocess("--diversity-record")
    result.stdout.fnmatch_lines(["dpo *pass *8 x 16"])
