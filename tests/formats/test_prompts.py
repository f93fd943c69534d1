"""Layouts of prompts: a row as each collection has it, and the prompt that it is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from pytest_diversity.formats.prompts import LAYOUTS
from pytest_diversity.prompts import Message, Prompt, load_prompts
from pytest_diversity.sandbox import Program, Sandbox

TEST = """def check(candidate):
    assert candidate([1, 2], 3) == 6
    assert candidate((1,), 0) == 1
"""
HUMANEVAL = {
    "task_id": "HumanEval/0",
    "prompt": "def total(xs, y):\n",
    "entry_point": "total",
    "canonical_solution": "    return sum(xs) + y\n",
    "test": f"\n\nMETADATA = {{}}\n\n\n{TEST}",
}
MBPP = {
    "text": "Write a function to add.",
    "code": "def add(a, b):\n    return a + b",
    "task_id": 2,
    "test_setup_code": "",
    "test_list": ["assert add(1, 2) == 3", "assert abs(add(-1, -1)) == 2"],
    "challenge_test_list": [],
}
ADD = """Write a function to add.
Your code should pass these tests:

assert add(1, 2) == 3
assert abs(add(-1, -1)) == 2"""
ASSERTS = (
    "def check(candidate):\n    add = candidate\n    assert add(1, 2) == 3\n"
    "    assert abs(add(-1, -1)) == 2\n"
)
CASES: Mapping[str, tuple[Any, Prompt]] = {
    "ours": ({"prompt": "p", "id": 7, "note": "kept by nobody"}, Prompt("p", "7")),
    "HumanEval": (
        HUMANEVAL,
        Prompt(
            "def total(xs, y):\n",
            "HumanEval/0",
            entry_point="total",
            check=HUMANEVAL["test"],
            inputs=([[1, 2], 3],),  # JSON has no tuples
        ),
    ),
    "HumanEval+": (
        {**HUMANEVAL, "base_input": [[[1], 2]], "plus_input": [], "contract": "", "atol": 0},
        Prompt(
            "def total(xs, y):\n",
            "HumanEval/0",
            entry_point="total",
            check=HUMANEVAL["test"],
            inputs=([[1], 2],),
        ),
    ),
    "MBPP": (MBPP, Prompt(ADD, "2", entry_point="add", check=ASSERTS, inputs=([1, 2], [-1, -1]))),
    "MBPP, sanitized": (
        {
            **{key: MBPP[key] for key in ("code", "task_id", "test_list")},
            "prompt": MBPP["text"],
            "source_file": "x.ipynb",
            "test_imports": ["import math"],
        },
        Prompt(
            ADD, "2", entry_point="add", check=f"import math\n{ASSERTS}", inputs=([1, 2], [-1, -1])
        ),
    ),
    "requests of a batch": (
        {
            "custom_id": "a",
            "method": "POST",
            "body": {"model": "m", "messages": [{"role": "user", "content": "Hi?"}]},
        },
        Prompt("Hi?", "a"),
    ),
    "GSM8K": (
        {"question": "2+2?", "answer": "Two and two.\n#### 4"},
        Prompt("2+2?", "2+2?", answer="4"),
    ),
    "Alpaca": (
        {"instruction": "Add.", "input": "1 2", "output": "3"},
        Prompt("Add.\n\n1 2", "Add.\n\n1 2"),
    ),
    "Alpaca, without an input": (
        {"instruction": "Hi?", "input": "", "output": "x"},
        Prompt("Hi?", "Hi?"),
    ),
    "NoveltyBench": ({"id": "curated-0", "prompt": "A name?"}, Prompt("A name?", "curated-0")),
    "ShareGPT": (
        {
            "conversations": [
                {"from": "system", "value": "Be brief."},
                {"from": "human", "value": "Hi?"},
                {"from": "gpt", "value": "Hello."},
            ]
        },
        Prompt("Hi?", "Hi?", messages=(Message("system", "Be brief."), Message("user", "Hi?"))),
    ),
    "a question with its answer": (
        {"question": "2+2?", "answer": 4, "level": "easy"},
        Prompt("2+2?", "2+2?", answer="4"),
    ),
    "a column of texts": ({"text": "Hi?"}, Prompt("Hi?", "Hi?")),
    "a text": ([["Hi?"]], Prompt("Hi?", "Hi?")),
}


@pytest.mark.parametrize("case", CASES)
def test_a_layout(write: Callable[..., Path], tmp_path: Path, case: str) -> None:
    """What it brings as tests becomes the check, the entry point and the inputs."""
    row, expected = CASES[case]
    write(row)
    assert load_prompts("file", tmp_path) == {expected.id: expected}


def test_every_layout_has_an_example() -> None:
    """A layout that is added to the table is added above, too."""
    rows = [row[0] if isinstance(row, list) else row for row, _ in CASES.values()]
    rows = [row[0] if isinstance(row, list) else row for row in rows]
    first = [next(layout.title for layout in LAYOUTS if layout.fits(row)) for row in rows]
    assert {layout.title for layout in LAYOUTS} == set(first)


@pytest.mark.parametrize("case", ["HumanEval", "MBPP", "MBPP, sanitized"])
def test_a_check_tells_right_from_wrong(case: str) -> None:
    """It is one that the sandbox can run."""
    prompt = CASES[case][1]
    sums = "return (a if type(a) is int else sum(a)) + b"
    right = f"def {prompt.entry_point}(a, b):\n    {sums}"
    wrong = right.replace("+ b", "- b")
    with Sandbox(workers=1) as sandbox:
        passed, failed = sandbox.run(
            [
                Program(one, prompt.entry_point, prompt.inputs, prompt.check)
                for one in (right, wrong)
            ]
        )
    assert (passed.correct, failed.correct) == (True, False)
