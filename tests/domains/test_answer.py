"""The kind `answer`: reasoning in words and structure, answers in meaning, right or wrong."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pytest_diversity import measure
from pytest_diversity.config.values import Domain
from pytest_diversity.errors import DataError
from pytest_diversity.prompts import load_prompts
from pytest_diversity.samples import Sample, SampleSet

DOMAIN = Domain("maths", kind="answer")
# 3 of 5 say 7, one 8, one nothing.
TEXTS = [
    "Three and four more are seven apples.\n#### 7",
    r"Adding both gives us $\boxed{7.0}$ in the end.",
    "First we count them one by one. The answer is seven.",
    "She had three, and she buys five more. The answer is 8.",
    "I would have to know more about it\nbefore I could say anything.",
]


def asked(folder: Path, *prompts: Mapping[str, Any], **settings: Any) -> Domain:
    """The domain with these prompts."""
    lines = [json.dumps({"id": f"p{n}", **prompt}) for n, prompt in enumerate(prompts)]
    (folder / "prompts.jsonl").write_text("\n".join(lines))
    return replace(DOMAIN, prompts="prompts.jsonl", root=folder, **settings)


VALUES: Mapping[str, float] = {
    "validity()": 4 / 5,
    "correctness()": 3 / 5,
    "pass_at(k=1)": 3 / 5,
    "pass_at(k=2)": 1 - (2 * 1) / (5 * 4),
    "pair_semantic()": 3 / 6,
    "effective_pairs()": 3 / 10,
    "dominance()": 3 / 4,
    "effective_distinct()": 2 / 5,
}


@pytest.mark.parametrize("metric", VALUES)
def test_values(metric: str, tmp_path: Path) -> None:
    """By hand: pass@k is of right answers, the share of the majority is among all answers."""
    domain = asked(tmp_path, {"prompt": "3 + 4?", "answer": 7})
    found = measure({"p0": TEXTS}, metric, domain=domain)
    assert found.value == pytest.approx(VALUES[metric], abs=1e-12)
    assert "1 of 5 answers hold no final answer: they are invalid" in found.notes


@pytest.mark.parametrize(
    ("n", "c", "k", "value"),
    [(5, 2, 1, 0.4), (5, 2, 2, 0.7), (5, 2, 3, 0.9), (10, 3, 5, 0.916667), (4, 4, 4, 1.0)],
)
def test_pass_at_k_of_the_paper(n: int, c: int, k: int, value: float, tmp_path: Path) -> None:
    """2107.03374: unbiased, from c right answers among n."""
    domain = asked(tmp_path, {"prompt": "3 + 4?", "answer": 7})
    texts = [f"#### {7 if index < c else 8}" for index in range(n)]
    found = measure({"p0": texts}, f"pass_at(k={k})", domain=domain)
    assert found.value == pytest.approx(value, abs=1e-6)


def test_reasoning_is_varied_apart_from_the_answer() -> None:
    """The words of the answer itself are none of the reasoning's."""
    same = [f"We add both of the numbers to get there.\n#### {n}" for n in range(4)]
    assert measure(same, "pair_distinct(n=4)", domain=DOMAIN).value == 0.5
    assert measure(same, "pair_pos_distinct(n=4)", domain=DOMAIN).value == 0.5
    assert measure(same, "effective_pairs()", domain=DOMAIN).value == 1
    assert measure(["#### 1", "#### 2"], "pair_distinct(n=4)", domain=DOMAIN).value is None


RIGHT: Mapping[str, tuple[dict[str, Any], Sequence[str], Sequence[str]]] = {
    "a number": ({"answer": 0.5}, [r"\boxed{\frac12}", "Answer: 1/2", "50/100"], ["Answer: 5"]),
    "an equation": (
        {"answer": "12"},
        ["8 + 4 = 12", "12 = 8 + 4.", r"\boxed{3 \times 4 = 12}", "1 + 2 + 3 + 6 = 12", "x = 12"],
        ["8 + 4 = 11", "2x = 12", "x = 12, y = 3", "a != 12", "x <= 12"],
    ),
    "a solution with its number": (
        {"answer": "3 + 4 = <<3+4=7>>7 apples\n#### 7"},
        ["#### 7", "The answer is that she has 7 of them in all."],
        ["#### 8", "The answer is that she has some of them in all."],
    ),
    "a box": ({"answer": r"So $\boxed{(1, 2)}$."}, [r"\boxed{(1,2)}"], [r"\boxed{(2,1)}"]),
    "a letter": (
        {"prompt": "Which?\nA. Paris\nB. Rome", "answer": "B"},
        ["The answer is (B).", "Answer: Rome", "The correct option is B because of history."],
        ["Answer: A", "Paris", "Answer: C"],
    ),
    "the text of an option": (
        {"prompt": "Which?\nA. Paris\nB. Rome", "answer": "Rome"},
        ["(B)", "Rome"],
        ["(A)"],
    ),
    "a letter of options that stand elsewhere": ({"answer": "B"}, ["B) Rome"], ["C) Rome"]),
    "a name": ({"answer": "the Nile"}, ["Nile.", "The answer is the Nile."], ["Amazon"]),
    "a formula with a number in it": ({"answer": "2"}, ["2"], [r"\boxed{3\sqrt{2}}"]),
}


@pytest.mark.parametrize("case", RIGHT)
def test_right_answers(case: str, tmp_path: Path) -> None:
    """An answer is right where it means what the prompt's does."""
    prompt, right, wrong = RIGHT[case]
    domain = asked(tmp_path, {"prompt": "?", **prompt})
    assert measure({"p0": right}, "correctness()", domain=domain).value == 1
    assert measure({"p0": wrong}, "correctness()", domain=domain).value == 0


def test_what_is_no_answer_is_not_right(tmp_path: Path) -> None:
    """A refusal, or a text that was broken off, is neither valid nor right, whatever it holds."""
    domain = asked(tmp_path, {"prompt": "3 + 4?", "answer": 7})
    reasons = ("stop", "refusal", "abort", "length")
    samples = SampleSet(
        Sample("p0", n, "#### 7", finish_reason=reason) for n, reason in enumerate(reasons)
    )
    for metric in ("validity()", "correctness()", "pass_at(k=1)"):
        assert measure(samples, metric, domain=domain).value == 0.5
    notes = measure(samples, "validity()", domain=domain).notes
    assert len(notes) == 1
    assert "2 of 4 samples are no answers" in notes[0]


def test_without_right_answers(tmp_path: Path) -> None:
    """What is right is undefined, in a sentence; what was answered is not."""
    domain = asked(tmp_path, {"prompt": "?"})
    found = measure({"p0": TEXTS}, "correctness()", domain=domain)
    assert found.reason == (
        "prompt 'p0' has no right answer to judge by; add \"answer\" to it, or measure validity()"
    )
    assert measure({"p0": TEXTS}, "validity()", domain=domain).value == 4 / 5


def test_a_given_beginning(tmp_path: Path) -> None:
    """The answer may begin in it; the reasoning is the sample's own."""
    prompt = {"prompt": "3 + 4?", "prefill": "The answer is", "answer": 7}
    domain = asked(tmp_path, prompt)
    texts = [" 7. That is what we get when we add.", " 8. That is what we get when we add."]
    assert measure({"p0": texts}, "correctness()", domain=domain).value == 0.5
    assert measure({"p0": texts}, "pair_distinct(n=4)", domain=domain).value == 0.5


def test_a_pattern_of_ones_own() -> None:
    """It alone says where an answer stands."""
    domain = replace(DOMAIN, extract=r"regex:Result (\w+)")
    texts = ["Result 4, #### 5", "Result four", "#### 5"]
    assert measure(texts, "validity()", domain=domain).value == pytest.approx(2 / 3)
    assert measure(texts, "dominance()", domain=domain).value == 1


WRONG = {
    "a list": ([1], "'answer' has the wrong type; it must be a string or a number"),
    "a switch": (True, "'answer' has the wrong type"),
    "nothing": (" ", "the answer is empty; write it, or leave it out"),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_answers_of_prompts(case: str, tmp_path: Path) -> None:
    """They are refused with their line."""
    answer, said = WRONG[case]
    asked(tmp_path, {"prompt": "?", "answer": answer})
    with pytest.raises(DataError, match=said):
        load_prompts("prompts.jsonl", tmp_path)


CONFIG = """
[checkpoints]
sft = "replay:sft.jsonl"
rl = "replay:rl.jsonl"
[defaults]
reference = "sft"
[domains.maths]
kind = "answer"
prompts = "prompts.jsonl"
samples_per_prompt = 4
partial = true
[domains.maths.budget]
effective = { max = 0.3, max_rise = "20%" }
quality = { min = 0.6 }
"""


@pytest.fixture
def maths(pytester: pytest.Pytester) -> Callable[..., Path]:
    """A project of eight sums, and what records its answers."""
    asked(pytester.path, *({"prompt": f"{n} + 1?", "answer": n + 1} for n in range(8)))
    pytester.makefile(".toml", diversity=CONFIG)

    def write(name: str, *off: int) -> Path:
        lines = [
            {"prompt": f"p{n}", "index": i, "text": f"One more than {n} is next.\n#### {n + 1 + o}"}
            for n in range(8)
            for i, o in enumerate(off)
        ]
        path = pytester.path / f"{name}.jsonl"
        path.write_text("".join(f"{json.dumps(line)}\n" for line in lines))
        return path

    write("sft", 0, 0, 0, 0)
    write("rl", 0, 0, 0, 0)
    return write


def test_variety_is_the_fault_where_all_should_agree(
    pytester: pytest.Pytester, maths: Callable[..., Path]
) -> None:
    """A `max` is as natural as a `min`: the evidence counts the answers of the worst prompt."""
    pytester.runpytest_inprocess().assert_outcomes(passed=4)
    maths("rl", 0, 0, 5, 9)
    result = pytester.runpytest_inprocess()
    result.assert_outcomes(failed=2, passed=2)
    result.stdout.fnmatch_lines(
        [
            "maths effective 0.833 > 0.300 (rl)",
            "*worst prompts: p0 0.833, *",
            "*answers of p0: 1 (2), 6 (1), 10 (1)",
        ]
    )
    result.stdout.no_fnmatch_line("*most alike*")


def test_answers_are_calibrated_from_above(
    pytester: pytest.Pytester, maths: Callable[..., Path]
) -> None:
    """What is proposed is the side that the budget bounds."""
    maths("sft", 0, 0, 0, 0, 0, 0, 0, 3)
    result = pytester.runpytest_inprocess("--diversity-calibrate")
    result.stdout.fnmatch_lines(["maths effective * max = *", "maths quality * min = *"])


@pytest.mark.usefixtures("maths")
def test_the_self_test_scatters_answers(pytester: pytest.Pytester) -> None:
    """A collapse never breaks a `max`; answers that differ do."""
    result = pytester.runpytest_inprocess("--diversity-selftest")
    result.stdout.fnmatch_lines(
        [
            "fails at *duplicates *scattered *empty",
            "maths effective [[]rl[]] *never *never *%*never",
        ]
    )


@pytest.mark.usefixtures("maths")
def test_a_wrong_pattern_in_the_file(pytester: pytest.Pytester) -> None:
    """It is said with its line before anything is drawn."""
    pytester.makefile(
        ".toml", diversity=CONFIG.replace('"answer"', '"answer"\nextract = "regex:("')
    )
    result = pytester.runpytest_inprocess()
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*diversity.toml:8: extract has the pattern '(', which is none*"])
