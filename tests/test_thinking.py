"""Thoughts are told from answers, however a model marks them."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from pytest_diversity import measure
from pytest_diversity.config.values import Domain
from pytest_diversity.samples import Sample
from pytest_diversity.thinking import begun, split, whole, with_thought, without_thought

# What a model said -> its answer and its thought.
SAID: Mapping[str, tuple[str, str, str | None]] = {
    "no thought, to the last character": (" Paris.\n", " Paris.\n", None),
    "a thought": ("<think>\nHm.\n</think>\n\nParis.", "Paris.", "Hm."),
    "an empty thought": ("<think>\n\n</think>\n\nParis.", "Paris.", ""),
    "a thought that never ends": ("<think>\nHm. Paris, or", "", "Hm. Paris, or"),
    "a thought that never ends after a word": ("Well.\n<think>Hm", "", "Hm"),
    "opened by the template": ("Hm.\n</think>\n\nParis.", "Paris.", "Hm."),
    "white space before it": ("\n <think>Hm.</think>Paris.", "\nParis.", "Hm."),
    "two thoughts": ("<think>a</think><think>b</think>Paris.", "Paris.", "a\n\nb"),
    "a thought between": ("First.\n<think>Hm.</think>\nThen.", "First.\nThen.", "Hm."),
    "thinking": ("<thinking>Hm.</thinking>Paris.", "Paris.", "Hm."),
    "reasoning": ("<reasoning>Hm.</reasoning>Paris.", "Paris.", "Hm."),
    "a thought by name": ("<thought>Hm.</thought>Paris.", "Paris.", "Hm."),
    "bars": ("<|thinking|>Hm.<|/thinking|>Paris.", "Paris.", "Hm."),
    "bars with an end": ("<|thinking|>Hm.<|end_thinking|>Paris.", "Paris.", "Hm."),
    "Magistral": ("[THINK]Hm.[/THINK]Paris.", "Paris.", "Hm."),
    "Seed": ("<seed:think>Hm.</seed:think>Paris.", "Paris.", "Hm."),
    "Kimi": ("◁think▷Hm.◁/think▷Paris.", "Paris.", "Hm."),
    "Command": ("<|START_THINKING|>Hm.<|END_THINKING|>Paris.", "Paris.", "Hm."),
    "gpt-oss": (
        "<|channel|>analysis<|message|>Hm.<|end|><|start|>assistant<|channel|>final<|message|>P.",
        "P.",
        "Hm.",
    ),
    "gpt-oss without a thought": ("<|channel|>final<|message|>Paris.", "Paris.", None),
    "gpt-oss that never answers": ("<|channel|>analysis<|message|>Hm. Paris", "", "Hm. Paris"),
    "gpt-oss with a call": (
        "<|channel|>commentary to=f <|constrain|>json<|message|>{}<|call|>",
        "",
        "{}",
    ),
    "gpt-oss without its special tokens": ("analysisHm.assistantfinalParis.", "Paris.", "Hm."),
    "an answer about analysis": ("analysis is a word.", "analysis is a word.", None),
    "an answer about the marker": ("Write `<think>`, then `</think>`.",) * 2 + (None,),
    "a marker in a sentence": ("The tag <think> opens it.",) * 2 + (None,),
}


@pytest.mark.parametrize("case", SAID)
def test_thoughts_are_split_off(case: str) -> None:
    """The answer is what follows the thoughts; a thought that never ends leaves none."""
    text, answer, thought = SAID[case]
    assert split(text) == (answer, thought)


@pytest.mark.parametrize("case", SAID)
def test_what_is_split_can_be_put_together(case: str) -> None:
    """A text made of an answer and its thought is taken apart into the same two."""
    answer, thought = split(SAID[case][0])
    again = split(whole(answer.strip(), thought))
    assert (again.answer, again.thought) == (answer.strip(), thought)


@pytest.mark.parametrize(
    ("prompt", "prefill", "expected"),
    [
        pytest.param("<|user|>Hi<|assistant|>\n<think>\n", "", "<think>\n", id="by the template"),
        pytest.param("<|assistant|>", "<think>\nSo", "<think>\nSo", id="by the prefill"),
        pytest.param("<think>\n", "So", "<think>\nSo", id="by both"),
        pytest.param("<think>\n", "</think>\n\nIt", "", id="the prefill ends it"),
        pytest.param("<|assistant|><think>\n\n</think>\n\n", "", "", id="the template ends it"),
        pytest.param("Write in <think> tags.<|assistant|>", "", "", id="a user speaks of it"),
    ],
)
def test_a_thought_that_has_begun(prompt: str, prefill: str, expected: str) -> None:
    """What a template or a prefill has opened is known, and nothing else."""
    assert begun(prompt, prefill) == expected


def test_a_sample_is_split_once() -> None:
    """A sample that has its thought beside it keeps its text, and joins again for `keep`."""
    sample = Sample("p", 0, "<think>Hm.</think><b>Paris</b>", finish_reason="stop", tokens=9)
    found = without_thought(sample)
    assert (found.text, found.thought, found.tokens) == ("<b>Paris</b>", "Hm.", 9)
    assert without_thought(found) is found
    assert with_thought(found) == sample
    assert with_thought(sample) is sample


ANSWERS = ["The sea is grey and wide.", "A fox ran into the old wood."]
THOUGHTS = ["I think of the sea first.", "Perhaps an animal would be nicer here."]


def texts(*, thinking: bool) -> list[str]:
    """The same answers twice, each time with another thought."""
    thoughts = [
        f"<think>{one} {i}</think>\n\n" if thinking else "" for i in (1, 2) for one in THOUGHTS
    ]
    return [thought + answer for thought, answer in zip(thoughts, ANSWERS * 2, strict=True)]


@pytest.mark.parametrize("metric", ["pair_distinct(n=2)", "distinct(n=2)", "validity()"])
def test_thoughts_make_no_answer_different(metric: str) -> None:
    """Answers with thoughts score as those without, unless they are to be kept."""
    plain, thinking = measure(texts(thinking=False), metric), measure(texts(thinking=True), metric)
    assert thinking.value == plain.value
    kept = measure(texts(thinking=True), metric, domain=Domain("p", thinking="keep"))
    assert (kept.value == plain.value) is (metric == "validity()")


def test_programs_after_thoughts() -> None:
    """A program that a model only thinks of is none."""
    thought = "<think>\n```python\ndef f(x):\n    return 1\n```\n"
    found = measure(
        [f"{thought}</think>\n```python\ndef f(x):\n    return x\n```", thought],
        "validity()",
        domain="code",
    )
    assert found.value == 0.5
    assert found.notes[-1] == (
        "1 of 2 samples are no answers (1 thought alone): they count as invalid"
    )
