"""Preference pairs are made by rule, end only where a text ended, and use no prompt of a gate."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from example_project.training.common import FOLDER, read_json, read_lines
from example_project.training.grpo_sums import reward
from example_project.training.pairs import canonical, first_function, own_answers, runnable, varied
from example_project.training.sft_collapsed import answered
from pytest_diversity import Sample
from pytest_diversity.config.file import load_config
from pytest_diversity.prompts import load_prompts

DOUBLE = "def f(n):\n    return n * 2"
SQUARE = "def f(n):\n    return n * n"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (f"Sure:\n```python\n{DOUBLE}\n```\nIt doubles.", DOUBLE),
        (f"{DOUBLE}\nprint(f(2))\nand so on", DOUBLE),
        ('def f(n):\n    """Doubles."""\n    # twice\n    return n*2', DOUBLE),
        ("def f(n):\n    pass", None),
        ("def f(n):\n    return (n", None),
        ("I cannot do that.", None),
        ("", None),
    ],
    ids=[
        "in a fence",
        "before prose",
        "with comments",
        "does nothing",
        "cut in the middle",
        "prose",
        "empty",
    ],
)
def test_the_first_function_of_an_answer(text: str, found: str | None) -> None:
    """It stands alone, without comments; what does not parse or do anything is none."""
    assert first_function(text) == found


def samples(*texts: str, reason: str = "stop") -> dict[str, Sequence[Sample]]:
    return {"p": [Sample("p", i, text, finish_reason=reason) for i, text in enumerate(texts)]}


def test_a_program_that_runs_is_preferred_to_the_longest_answer() -> None:
    """The chosen one ends; the rejected one ends only if it did."""
    rambling = f"{SQUARE}\n" + "and then " * 20
    [pair, *_] = runnable(samples(DOUBLE, rambling, reason="length"))
    assert pair["chosen"] == f"```python\n{DOUBLE}\n```"
    assert pair["rejected"] == rambling
    assert pair["ends"] == [True, False]


def test_the_commonest_program_is_preferred_to_every_other() -> None:
    """Both are written alike; a prompt with one program gives no pair."""
    [pair] = canonical(samples(SQUARE, DOUBLE, DOUBLE), samples(DOUBLE))
    assert DOUBLE in pair["chosen"]
    assert SQUARE in pair["rejected"]
    assert pair["ends"] == [True, True]
    assert canonical(samples(DOUBLE), samples(DOUBLE)) == []


def test_what_was_drawn_hot_is_preferred_to_what_was_drawn_cold() -> None:
    """Only where both were cut at the same length."""
    cut = varied(samples("a wild fox", reason="length"), samples("a dog", reason="length"))
    assert [(pair["chosen"], pair["ends"]) for pair in cut] == [("a wild fox", [False, False])]
    assert varied(samples("a wild fox"), samples("a dog", reason="length")) == []


def test_own_answers_are_kept_as_they_were() -> None:
    """One a prompt, which ends if it did."""
    assert own_answers(samples("a", "b", reason="length")) == [
        {"id": "p", "answer": "a", "ended": False}
    ]


def test_a_sum_is_rewarded_for_being_right_and_bare() -> None:
    """A right bare number is worth most, a wrong sentence least."""
    said = ["8", "It is 8", "7", "I do not know"]
    given = reward([[{"content": text}] for text in said], ["8"] * 4)
    assert given[0] == max(given)
    assert given[3] == min(given)


def test_the_template_answers_every_prompt_with_its_thing() -> None:
    """The thing is the one that the prompt is about."""
    for row in answered():
        thing = row["answer"].partition("little ")[2].partition(".")[0]
        assert f" {thing}" in row["prompt"]


@pytest.mark.parametrize("name", ["runnable", "canonical", "varied", "own"])
def test_shipped_pairs_prefer_one_text_to_another(name: str) -> None:
    """No pair is a text against itself; an end is said for each."""
    rows = read_json(f"{name}.json")
    assert len(rows) >= 50
    if name != "own":
        assert all(row["chosen"] != row["rejected"] and len(row["ends"]) == 2 for row in rows)


def test_no_prompt_of_a_gate_is_trained_on() -> None:
    """What the gates ask is held out."""
    trained = {
        *(row["prompt"] for name in ("runnable", "canonical", "varied", "own")
          for row in read_json(f"{name}.json")),
        *(line["prompt"] for file in ("prose", "sums")
          for line in read_lines(FOLDER / "prompts" / f"{file}.jsonl")),
    }  # fmt: skip
    config = load_config(Path(FOLDER.parent, "diversity.toml"))
    for domain in config.domains.values():
        if domain.budgets and domain.prompts:
            gated = load_prompts(domain.prompts, domain.root).values()
            assert not trained & {prompt.prompt for prompt in gated}
