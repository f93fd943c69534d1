"""Layouts of samples: a row as each tool writes it, and what is read of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from pytest_diversity.errors import DataError
from pytest_diversity.formats.reading import read_samples
from pytest_diversity.formats.samples import LAYOUTS
from pytest_diversity.samples import Sample

USER, BOT = {"role": "user", "content": "Hi?"}, {"role": "assistant", "content": "Hello."}
HARNESS = {
    "doc_id": 3,
    "doc": {"question": "2+2?"},
    "target": "4",
    "arguments": {"gen_args_0": {"arg_0": "Q: 2+2?\nA:", "arg_1": {"until": ["\n"]}}},
    "resps": [["4", " four"]],
    "filtered_resps": ["4"],
    "filter": "strict-match",
    "exact_match": 1.0,
}
INSPECT = {
    "id": 1,
    "epoch": 1,
    "input": "Say yes.",
    "target": "yes",
    "messages": [],
    "output": {
        "model": "m",
        "choices": [
            {
                "message": {
                    "role": "assistant",
                    "content": [
                        {"type": "reasoning", "reasoning": "hm"},
                        {"type": "text", "text": "yes"},
                    ],
                },
                "stop_reason": "max_tokens",
            }
        ],
    },
    "scores": {"match": {"value": "C"}},
}
PROMPTFOO = {
    "promptIdx": 0,
    "testIdx": 0,
    "provider": {"id": "echo", "label": ""},
    "prompt": {"raw": '[{"role": "user", "content": "Say a."}]', "label": "Say {{x}}."},
    "vars": {"x": "a"},
    "response": {"output": "a", "tokenUsage": {}},
    "error": "Expected output to contain b",
    "success": False,
}
DEEPEVAL = {"name": "test_case_0", "input": "Hi?", "actualOutput": "Hello.", "metricsData": []}
CHOICES = [
    {"index": 0, "message": BOT, "finish_reason": "stop"},
    {"index": 1, "message": {"role": "assistant", "content": None, "refusal": "No."}},
]
BATCH = {
    "id": "vllm-1",
    "custom_id": "request-1",
    "response": {"status_code": 200, "body": {"model": "m", "choices": CHOICES}},
    "error": None,
}
RESPONDED = [
    {"type": "reasoning", "summary": []},
    {"type": "message", "content": [{"type": "output_text", "text": "Hello."}]},
]
NOVELTY = {"id": "curated-0", "prompt": "A name?", "model": "m", "generations": ["Ann", "Bob"]}
ALPACA_EVAL = {"dataset": "koala", "instruction": "Hi?", "output": "Hello.", "generator": "m"}
HELLO = [Sample("Hi?", 0, "Hello.")]

# (the rows, what the run says was recognised, the samples)
CASES: Mapping[str, tuple[Any, str, list[Sample]]] = {
    "ours": (
        {"prompt": "p", "index": 2, "text": "x", "domain": "d", "score": 1},
        "samples of this plugin",
        [Sample("p", 2, "x", "d")],
    ),
    "lm-eval": (
        HARNESS,
        "samples of lm-evaluation-harness",
        [Sample("Q: 2+2?\nA:", 0, "4"), Sample("Q: 2+2?\nA:", 1, " four")],
    ),
    "lm-eval, older": (
        {**HARNESS, "arguments": [["Hi?", {"until": []}]], "resps": [["Hello."]]},
        "samples of lm-evaluation-harness",
        HELLO,
    ),
    "lm-eval, chat": (
        {
            **HARNESS,
            "arguments": {"gen_args_0": {"arg_0": ['[{"role": "user", "content": "Hi?"}]']}},
            "resps": [["Hello."]],
        },
        "samples of lm-evaluation-harness",
        HELLO,
    ),
    "inspect_ai": (
        {"version": 2, "status": "success", "eval": {}, "samples": [INSPECT]},
        "a log of inspect_ai",
        [Sample("Say yes.", 0, "yes", None, "length", thought="hm")],
    ),
    "promptfoo": (
        {"evalId": "e", "results": {"version": 3, "results": [PROMPTFOO]}},
        "results of promptfoo",
        [Sample("Say a.", 0, "a")],
    ),
    "promptfoo, a row a line": ([PROMPTFOO], "results of promptfoo", [Sample("Say a.", 0, "a")]),
    "deepeval, a test run": ({"testCases": [DEEPEVAL]}, "results of deepeval", HELLO),
    "deepeval, the latest": (
        {"testRunData": {"testCases": [DEEPEVAL]}},
        "results of deepeval",
        HELLO,
    ),
    "deepeval, a data set": (
        {"input": "Hi?", "actual_output": "Hello.", "expected_output": "?"},
        "results of deepeval",
        HELLO,
    ),
    "a batch with several choices": (
        BATCH,
        "results of an OpenAI or vLLM batch",
        [
            Sample("request-1", 0, "Hello.", None, "stop"),
            Sample("request-1", 1, "No.", None, "refusal"),
        ],
    ),
    "a batch of completions": (
        {
            **BATCH,
            "response": {
                "body": {
                    "choices": [{"text": "x", "finish_reason": "length"}],
                    "usage": {"completion_tokens": 7},
                }
            },
        },
        "results of an OpenAI or vLLM batch",
        [Sample("request-1", 0, "x", None, "length", tokens=7)],
    ),
    "a batch of responses": (
        {**BATCH, "response": {"status_code": 200, "body": {"output": RESPONDED}}},
        "results of an OpenAI or vLLM batch",
        [Sample("request-1", 0, "Hello.", None, "stop")],
    ),
    "HumanEval": (
        {"task_id": "HumanEval/0", "completion": "    return 1"},
        "samples of HumanEval or EvalPlus",
        [Sample("HumanEval/0", 0, "    return 1")],
    ),
    "EvalPlus": (
        {"task_id": "Mbpp/2", "solution": "def f(): pass", "_identifier": "x"},
        "samples of HumanEval or EvalPlus",
        [Sample("Mbpp/2", 0, "def f(): pass")],
    ),
    "EvalPlus, evaluated": (
        {"date": "x", "eval": {"Mbpp/2": [{"task_id": "Mbpp/2", "solution": "a"}]}},
        "samples of HumanEval or EvalPlus",
        [Sample("Mbpp/2", 0, "a")],
    ),
    "NoveltyBench": (
        NOVELTY,
        "generations of NoveltyBench",
        [Sample("A name?", 0, "Ann"), Sample("A name?", 1, "Bob")],
    ),
    "AlpacaEval": (ALPACA_EVAL, "outputs of AlpacaEval", HELLO),
    "messages": ({"messages": [USER, BOT]}, "chat messages", HELLO),
    "messages, of several turns": (
        {"messages": [{"role": "system", "content": "s"}, USER, BOT, USER, BOT]},
        "chat messages",
        [Sample("user: Hi?\n\nassistant: Hello.\n\nuser: Hi?", 0, "Hello.")],
    ),
    "ShareGPT": (
        {"conversations": [{"from": "human", "value": "Hi?"}, {"from": "gpt", "value": "Hello."}]},
        "chat messages",
        HELLO,
    ),
    "a prompt with its samples": (
        {"prompt": "Hi?", "samples": ["Hello.", {"text": "Hey."}]},
        "prompts with answers",
        [*HELLO, Sample("Hi?", 1, "Hey.")],
    ),
    "question and answer": ({"question": "Hi?", "answer": "Hello."}, "prompts with answers", HELLO),
    "input and output": ({"input": "Hi?", "output": "Hello."}, "prompts with answers", HELLO),
    "instruction, input and output": (
        {"instruction": "Add.", "input": "1 2", "output": "3"},
        "prompts with answers",
        [Sample("Add.\n\n1 2", 0, "3")],
    ),
    "prompt and completion, as messages": (
        {"prompt": [USER], "completion": [BOT]},
        "prompts with answers",
        HELLO,
    ),
    "capital letters": ({"Prompt": "Hi?", "Response": "Hello."}, "prompts with answers", HELLO),
    "texts by prompt": (
        {"Hi?": ["Hello.", "Hey."]},
        "lists of texts by prompt",
        [*HELLO, Sample("Hi?", 1, "Hey.")],
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_a_layout(write: Callable[..., Path], case: str) -> None:
    """It is told by the row, and the run says so once where it is not ours."""
    rows, title, expected = CASES[case]
    found = read_samples(write(rows))
    assert list(found.samples.samples) == expected
    assert found.notes == (() if case == "ours" else (f"file: read as {title}",))


def test_every_layout_has_an_example() -> None:
    """A layout that is added to the table is added above, too."""
    assert {layout.title for layout in LAYOUTS} == {title for _, title, _ in CASES.values()}


# (the rows, what was left out and why)
LEFT_OUT: Mapping[str, tuple[list[Any], str]] = {
    "a text that is null": (
        [{"prompt": "p", "text": "x"}, {"prompt": "p", "text": None}],
        "1 left out of 2 rows: no text",
    ),
    "a failed request": (
        [BATCH, {"custom_id": "b", "response": None, "error": {"code": "rate_limit"}}],
        "1 left out of 2 rows: an error in place of an answer",
    ),
    "a provider's error": (
        [PROMPTFOO, {**PROMPTFOO, "response": {}, "error": "429"}],
        "1 left out of 2 rows: an error in place of an answer",
    ),
    "another filter of the same answers": (
        [HARNESS, {**HARNESS, "filter": "flexible-extract"}],
        "1 left out of 2 rows: the answer of another row, for another filter",
    ),
    "log-likelihoods": (
        [HARNESS, {**HARNESS, "resps": [[["-1.5", "False"]], [["-2.5", "False"]]]}],
        "1 left out of 2 rows: log-likelihoods in place of an answer",
    ),
}


@pytest.mark.parametrize("case", LEFT_OUT)
def test_what_is_no_answer_is_left_out_and_said(write: Callable[..., Path], case: str) -> None:
    """How many, and why."""
    rows, note = LEFT_OUT[case]
    assert f"file: {note}" in read_samples(write(rows)).notes


AMBIGUOUS: Mapping[str, tuple[list[Any], str]] = {
    "two answers": (
        [{"question": "q", "answer": "a", "prediction": "b"}],
        (
            "1: no known layout of samples; its keys: 'question', 'answer', 'prediction'; 2 of "
            "them may be the answer ('answer', 'prediction'); say which: "
            'replay = { path = "file", map = { prompt = "question", text = "prediction" } }'
        ),
    ),
    "no answer": (
        [{"prompt": "q", "chosen": "a", "rejected": "b"}],
        (
            "1: no known layout of samples; its keys: 'prompt', 'chosen', 'rejected'; none of "
            "them is known as the answer; say which: "
            'replay = { path = "file", map = { prompt = "prompt", text = "chosen" } }'
        ),
    ),
    "a list of numbers": ([[1]], " element 1: no known layout of samples; not a JSON object"),
    "a row of another layout": (
        [{"prompt": "p", "text": "x"}, NOVELTY],
        "2: not of the layout of the rows before it (samples of this plugin); its keys: 'id', ",
    ),
    "what is broken within": (
        [{**BATCH, "response": {"status_code": 200, "body": {"choices": [3]}}}],
        "1: not as results of an OpenAI or vLLM batch are written (TypeError: ",
    ),
    "an index given twice": (
        [{"prompt": "p", "index": 0, "text": "x"}, {"prompt": "p", "index": 0, "text": "y"}],
        "2: prompt 'p' has a sample 0 already (FILE:1); number the samples of a prompt 0, 1, 2",
    ),
}


@pytest.mark.parametrize("case", AMBIGUOUS)
def test_what_cannot_be_told_is_refused(write: Callable[..., Path], case: str) -> None:
    """With what was seen, and the map that would settle it."""
    rows, message = AMBIGUOUS[case]
    path = write(rows)
    with pytest.raises(DataError) as caught:
        read_samples(path)
    assert str(caught.value).startswith(f"{path}:{message}".replace("FILE", str(path)))
