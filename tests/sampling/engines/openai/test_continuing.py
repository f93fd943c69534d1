"""Servers that are to continue the beginning of an answer, and what they make of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from pytest_diversity.config.server import Endpoint
from pytest_diversity.config.values import Generation
from pytest_diversity.errors import SamplingError
from pytest_diversity.sampling.engines.openai.address import Address
from pytest_diversity.sampling.engines.openai.continuing import UNKNOWN, without_beginning
from pytest_diversity.sampling.engines.openai.engine import ServerEngine
from pytest_diversity.sampling.engines.openai.reply import Answer
from pytest_diversity.sampling.protocol import Request

from .scripted import Call, Reply, Scripted, complete

PREFILL = "Here is my answer:"
HEAD, END = 4, 2  # tokens before an assistant's text and after it


def _length(call: Call, *, heeds: bool, thinks: int = 0) -> int:
    """The tokens of a prompt: a word each, and what a template writes around them."""
    *turns, last = call.body["messages"]
    tokens = sum(len(turn["content"].split()) + END for turn in turns) + HEAD
    if last["role"] == "user":
        return tokens + len(last["content"].split()) + END
    tokens += thinks + len(last["content"].split())
    return tokens if heeds and call.body.get("continue_final_message") else tokens + END + HEAD


def _counts(call: Call, asked: int | None, text: str | None = None) -> Reply:
    reply = complete(call, text)
    assert isinstance(reply.body, dict)
    usage = {"completion_tokens": 7, "prompt_tokens": asked}
    return Reply(200, {**reply.body, "usage": usage})


# name -> (how long the server says a prompt is, what becomes of the run)
SERVERS: Mapping[str, tuple[Callable[[Call], int | None], str]] = {
    "one that continues": (lambda call: _length(call, heeds=True), "silent"),
    "one whose template writes a thought before the beginning": (
        lambda call: _length(call, heeds=True, thinks=4),
        "silent",
    ),
    "one that continues without being asked": (
        lambda call: _length(call, heeds=True) - (END + HEAD) * _unasked(call),
        "silent",
    ),
    "one that begins another turn": (lambda call: _length(call, heeds=False), "refused"),
    "one that says no lengths": (lambda _: None, "said"),
    "one that says one length": (lambda _: 12, "said"),
}


def _unasked(call: Call) -> bool:
    last = call.body["messages"][-1]
    return last["role"] == "assistant" and not call.body.get("continue_final_message")


@pytest.mark.parametrize("case", SERVERS)
def test_a_server_that_does_not_continue_is_found_out(
    server: Scripted, said: Any, case: str
) -> None:
    """By the length of its prompts, before a sample is asked for; what cannot be told is said."""
    length, outcome = SERVERS[case]
    server.behave = lambda call: _counts(call, length(call))
    engine = ServerEngine(Address.parse(f"{server.url}#m"), Endpoint(), said)
    request = Request("p", "Three?", (0, 1, 2), Generation(max_tokens=8), prefill=PREFILL)
    if outcome == "refused":
        with pytest.raises(SamplingError, match=r"begins another turn, with 6 tokens .*; remove"):
            list(engine.sample([request], said))
    else:
        assert len(list(engine.sample([request], said))) == 3
    asked = [call for call in server.drawn if call.body["messages"][0]["content"] == "Three?"]
    assert len(asked) == (0 if outcome == "refused" else 3)
    assert (UNKNOWN in said.lines) == (outcome == "said")


ANSWERS: Mapping[str, tuple[str, str, str]] = {
    "a continuation": (PREFILL, " four.", " four."),
    "the beginning again": (PREFILL, "Here is my answer: four.", " four."),
    "the beginning again, after a line": (PREFILL, "\nHere is my answer: four.", " four."),
    "a short beginning that may well come twice": ("ha", "ha ha", "ha ha"),
    "no beginning": ("", "Here is my answer: four.", "Here is my answer: four."),
}


@pytest.mark.parametrize("case", ANSWERS)
def test_the_beginning_is_no_part_of_an_answer(case: str) -> None:
    """Where a server repeats it, it is left out, and the run says so."""
    prefill, text, kept = ANSWERS[case]
    answer = without_beginning(Answer(text, "stop", 3, None), prefill)
    assert answer.text == kept
    assert bool(answer.odd) == (text != kept)
