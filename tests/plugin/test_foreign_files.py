"""Gates on files that other tools wrote."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

BUDGET = "[domains.d.budget]\nlexical = { min = 0, metric = 'METRIC' }\n"
ACROSS = BUDGET.replace("METRIC", "across(pair_distinct(n=1))")
WITHIN = BUDGET.replace("METRIC", "pair_distinct(n=1)")


@pytest.fixture
def run(pytester: pytest.Pytester) -> Any:
    """Runs a configuration beside a file of rows."""

    def run(head: str, rows: Sequence[Any], budget: str) -> pytest.RunResult:
        Path("out.jsonl").write_text("\n".join(map(json.dumps, rows)))
        Path("diversity.toml").write_text(f"[checkpoints]\n{head}\n{budget}")
        return pytester.runpytest_inprocess("-p", "no:cacheprovider")

    return run


ANSWERS = [
    {"question": f"q{n}?", "answer": "x", "prediction": f"it is {n % 7} of {n}"} for n in range(12)
]


def test_what_is_recognised_is_said(run: Any) -> None:
    """Once, in the summary; and what was left out."""
    rows = [
        {"prompt": f"p{n % 2}", "response": f"a b {n}" if n else None, "id": n} for n in range(8)
    ]
    result = run('m = "replay:out.jsonl"', rows, WITHIN)
    result.assert_outcomes(passed=1)
    said = [line for line in result.outlines if "out.jsonl:" in line]
    assert len(said) == 2
    assert "out.jsonl: read as prompts with answers" in said[0]
    assert "out.jsonl: 1 left out of 8 rows: no text" in said[1]


def test_one_sample_a_prompt(run: Any) -> None:
    """The reason says how it is measured; then it has an interval."""
    head = 'm = { replay = { path = "out.jsonl", map = { text = "prediction" } } }'
    result = run(head, ANSWERS, WITHIN)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        ["*there is one of each; draw more, or measure among the prompts: *"]
    )
    result = run(head, ANSWERS, ACROSS)
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["*m * d * lexical *[[]*,*[]]*"])


def test_a_loss_across_prompts_is_found(run: Any) -> None:
    """It is paired by prompt, as every change is."""
    head = (
        'base = { replay = { path = "out.jsonl", only = { model = "base" } } }\n'
        'tuned = { replay = { path = "out.jsonl", only = { model = "tuned" } } }'
    )
    rows = [
        {"model": name, "prompt": f"p{n}", "response": f"a{n} b{n}" if name == "base" else "a b"}
        for name in ("base", "tuned")
        for n in range(10)
    ]
    budget = ACROSS.replace("min = 0", 'max_drop = "10%", reference = "base"')
    result = run(head, rows, budget)
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["*paired drop *over 10 prompts*"])


def test_ids_of_the_prompt_file_are_found(run: Any) -> None:
    """A recording names its prompts by their texts, the file by their ids."""
    Path("prompts.jsonl").write_text('{"id": "one", "prompt": "p0"}\n{"id": 2, "prompt": "other"}')
    rows = [{"id": 2, "prompt": "<s>other", "generations": ["a b", "c d"], "model": "m"}]
    rows += [{"id": 9, "prompt": "p0", "generations": ["a b", "c d"], "model": "m"}]
    budget = WITHIN.replace(
        "[domains.d.budget]", '[domains.d]\nprompts = "prompts.jsonl"\n[domains.d.budget]'
    )
    result = run('m = "replay:out.jsonl"', rows, budget)
    result.assert_outcomes(passed=1)
    assert "none that the domain chooses" not in result.stdout.str()


def test_how_prompts_are_read_is_said(run: Any) -> None:
    """As of samples."""
    Path("prompts.jsonl").write_text('{"instruction": "p0", "input": "", "output": "x"}')
    rows = [{"prompt": "p0", "text": text} for text in ("a b", "c d")]
    own = '[domains.d]\nprompts = "prompts.jsonl"\n[domains.d.budget]'
    result = run('m = "replay:out.jsonl"', rows, WITHIN.replace("[domains.d.budget]", own))
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["*prompts.jsonl: read as instructions as Alpaca has them"])


BAD = {
    "a model, too": (
        'm = { model = "x", replay = { path = "out.jsonl" } }',
        "*toml:2: checkpoint 'm' has a model, too; remove one of them",
    ),
    "no path": ("m = { replay = { map = {} } }", "*toml:2: replay has no path; add path = *"),
    "an unknown key": (
        'm = { replay = { path = "out.jsonl", maps = {} } }',
        "*toml:2: unknown key 'maps' of replay; did you mean 'map'?",
    ),
    "no field": (
        'm = { replay = { path = "out.jsonl", map = { txt = "a" } } }',
        "*toml:2: map names no field of a sample: 'txt'; did you mean 'text'?",
    ),
    "no key": (
        'm = { replay = { path = "out.jsonl", map = { text = 3 } } }',
        "*toml:2: map says text = 3, which is no key; write it as *",
    ),
    "no value": (
        'm = { replay = { path = "out.jsonl", only = { a = [] } } }',
        "*toml:2: only says a = [[][]]; give it a text or a number",
    ),
    "what cannot be told": (
        'm = "replay:out.jsonl"',
        "*out.jsonl:1: no known layout of samples; *map = { prompt = *",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_a_wrong_replay_ends_the_run(run: Any, case: str) -> None:
    """With its line, before any test."""
    head, message = BAD[case]
    result = run(head, ANSWERS, WITHIN)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([message])
