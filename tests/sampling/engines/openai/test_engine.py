"""Drawing from a server over a real socket: seeds, pace, and what of an answer is kept."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import threading
import time
from itertools import pairwise
from pathlib import Path

import pytest

from pytest_diversity.config.server import Endpoint
from pytest_diversity.errors import SamplingError

from .scripted import PROMPTS, Call, Reply, Scripted, complete, refuses
from .sessions import Open, texts_of


def test_each_sample_is_a_request_with_a_seed_of_its_own(
    server: Scripted, open_session: Open
) -> None:
    """K requests a prompt; no two seeds are neighbours, and the next run asks nothing at all."""
    first = texts_of(open_session(f"{server.url}#m"))
    seeds = sorted(call.body["seed"] for call in server.drawn)
    assert len(seeds) == len(PROMPTS) * 3
    assert min(b - a for a, b in pairwise(seeds)) > 100
    assert all(0 <= seed < 2**31 for seed in seeds)
    server.stop()
    assert texts_of(open_session(f"{server.url}#m")) == first


def test_a_sample_keeps_its_seed_when_more_are_drawn(server: Scripted, open_session: Open) -> None:
    """Topping up asks for the missing ones alone, with the seeds that they always have."""
    first = texts_of(open_session(f"{server.url}#m", 2))
    more = texts_of(open_session(f"{server.url}#m", 5))
    assert {p: group[:2] for p, group in more.items()} == first
    assert len(server.drawn) == len(PROMPTS) * 5
    assert len({call.body["seed"] for call in server.drawn}) == len(PROMPTS) * 5


def test_reasoning_beside_the_content_is_a_thought(server: Scripted, open_session: Open) -> None:
    """What a server's parser takes out of an answer is kept, and no part of the answer."""

    def reason(call: Call) -> Reply | None:
        name = ("reasoning_content", "reasoning")[call.body["seed"] % 2]
        text = None if call.probes else "The answer."
        message = {"role": "assistant", "content": text, name: f"Thought {call.body['seed']}"}
        return Reply(200, {"choices": [{"finish_reason": "stop", "message": message}]})

    server.behave = reason
    session = open_session(f"{server.url}#m")
    group = session.samples("m", "d")["p0"]
    assert {sample.text for sample in group} == {"The answer."}
    assert len({sample.thought for sample in group}) == len(group)
    [stored] = session.resources.store.rows("SELECT text FROM sample LIMIT 1")
    assert b"<think>Thought" in stored[0]
    assert stored[0].endswith(b"The answer.")


CONVERSATION = [
    {"role": "system", "content": "Count."},
    {"role": "user", "content": "One?"},
    {"role": "assistant", "content": "Two."},
    {"role": "user", "content": "Three?"},
    {"role": "assistant", "content": "Fo"},
]


@pytest.mark.parametrize("api", ["chat", "completions"])
def test_conversations_are_sent(
    server: Scripted, open_session: Open, tmp_path: Path, api: str
) -> None:
    """As messages, the last of which the server is to continue; or as one text."""
    session = open_session(f"{server.url}#m", server=Endpoint(api=api), system="Not this.")
    (tmp_path / "prompts.jsonl").write_text(json.dumps({"id": "a", "messages": CONVERSATION}))
    assert len(session.samples("m", "d")["a"]) == 3
    body = server.drawn[-1].body
    if api == "chat":
        assert body["messages"] == CONVERSATION
        assert (body["continue_final_message"], body["add_generation_prompt"]) == (True, False)
    else:
        assert body["prompt"] == "Count.\n\nOne?\n\nTwo.\n\nThree?\n\nFo"
        assert "continue_final_message" not in body


def test_a_server_that_continues_nothing(
    server: Scripted, open_session: Open, tmp_path: Path
) -> None:
    """One that refuses to is a sentence that says what to do."""
    server.behave = refuses(("continue_final_message", None))
    session = open_session(f"{server.url}#m")
    (tmp_path / "prompts.jsonl").write_text('{"prompt": "Three?", "prefill": "Fo"}')
    with pytest.raises(SamplingError, match="does not continue the beginning of an answer") as no:
        session.samples("m", "d")
    assert no.value.fix == 'remove the prefill, or set api = "completions"'


def test_requests_run_at_the_same_time_up_to_the_limit(
    server: Scripted, open_session: Open
) -> None:
    """With a concurrency of 3, three requests are open at a time, and never a fourth."""
    meeting = threading.Barrier(3)

    def meet(call: Call) -> None:
        if not call.probes:
            meeting.wait(60)

    server.behave = meet
    session = open_session(f"{server.url}#m", server=Endpoint(concurrency=3, retries=0))
    assert [len(group) for group in texts_of(session).values()] == [3] * len(PROMPTS)
    assert server.most == 3


def test_no_minute_has_more_requests_than_allowed(server: Scripted, open_session: Open) -> None:
    """Twelve samples at 600 requests a minute take eleven tenths of a second, however many run."""
    session = open_session(f"{server.url}#m", server=Endpoint(requests_per_minute=600))
    times: list[float] = []
    server.behave = lambda call: None if call.probes else times.append(time.monotonic())
    before = time.monotonic()
    session.samples("m", "d")
    assert len(times) == 12
    assert max(times) - before >= 1.1


def test_a_loop_that_runs_already_is_no_hindrance(server: Scripted, open_session: Open) -> None:
    """Samples can be drawn from within an asynchronous test or a notebook."""

    async def draw() -> dict[str, list[str]]:
        return texts_of(open_session(f"{server.url}#m"))

    assert len(asyncio.run(draw())) == len(PROMPTS)


def test_a_proxy_is_not_asked_for_this_machine(
    server: Scripted, open_session: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A proxy in the environment, which could not know this machine, is left out."""
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
        monkeypatch.setenv(name.upper(), "http://127.0.0.1:9")
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    assert len(texts_of(open_session(f"{server.url}#m"))) == len(PROMPTS)


def test_log_probabilities_are_summed(server: Scripted, open_session: Open) -> None:
    """A text's log-probability is the sum over its tokens, in the form of either API."""
    chat = {"content": [{"token": "a", "logprob": -1.5}, {"token": "b", "logprob": -0.25}]}

    def give(call: Call) -> Reply:
        reply = complete(call)
        assert isinstance(reply.body, dict)
        tokens = {"token_logprobs": [-1.5, -0.25]}
        for choice in reply.body["choices"]:
            choice["logprobs"] = chat if "messages" in call.body else tokens
        return reply

    server.behave = give
    for api in ("chat", "completions"):
        samples = open_session(f"{server.url}#m", server=Endpoint(api=api)).samples("m", "d")
        assert {sample.logprob for sample in samples.samples} == {-1.75}
        assert {sample.tokens for sample in samples.samples} == {7}


def test_without_log_probabilities_samples_are_drawn_all_the_same(
    server: Scripted, open_session: Open
) -> None:
    """A server that refuses the question for them is not asked it again."""
    server.behave = lambda call: Reply(500, "no logprobs") if "logprobs" in call.body else None
    samples = open_session(f"{server.url}#m").samples("m", "d")
    assert {sample.logprob for sample in samples.samples} == {None}
    assert sum("logprobs" in call.body for call in server.calls) == 1


def test_half_a_surrogate_pair_is_one_sentence(server: Scripted, open_session: Open) -> None:
    """What has no UTF-8 form cannot be sent."""
    session = open_session(f"{server.url}#m", system="\ud800")
    with pytest.raises(SamplingError, match="half of a surrogate pair"):
        session.samples("m", "d")


def test_other_servers_and_settings_are_other_samples(
    server: Scripted, open_session: Open, tmp_path: Path
) -> None:
    """URL, model, API and body are in the key; how fast it is asked is not."""
    server.models = ["m", "n"]
    open_session(f"{server.url}#m").samples("m", "d")
    drawn = len(server.drawn)
    open_session(f"{server.url}#m", server=Endpoint(concurrency=2, timeout=9)).samples("m", "d")
    assert len(server.drawn) == drawn
    for source, how in (
        (f"{server.url}#n", Endpoint()),
        (f"{server.url}#m", Endpoint(api="completions")),
        (f"{server.url}#m", Endpoint(body={"x": 1})),
    ):
        open_session(source, server=how).samples("m", "d")
    assert len(server.drawn) == 4 * drawn
    with sqlite3.connect(tmp_path / "store/samples.sqlite") as connection:
        details = [detail for (detail,) in connection.execute("SELECT detail FROM draw")]
    assert all(server.url in detail for detail in details)
