"""Drawing from a server over a real socket, whatever the network and the server do."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import threading
import time
from collections.abc import Callable, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from pytest_diversity.config.server import Endpoint
from pytest_diversity.errors import CheckpointError, ConfigError, SamplingError
from pytest_diversity.report.progress import Console, showing
from pytest_diversity.workspace import Workspace

from .scripted import PROMPTS, Call, Reply, Scripted, complete, text_of

Open = Callable[..., Workspace]
KEY = "sk-secret-1234567890"


def _texts(session: Workspace) -> dict[str, list[str]]:
    return {p: [s.text for s in group] for p, group in session.samples("m", "d").items()}


def _stored(session: Workspace) -> int:
    return int(session.resources.store.rows("SELECT COUNT(*) FROM sample")[0][0])


def test_each_sample_is_a_request_with_a_seed_of_its_own(
    server: Scripted, open_session: Open
) -> None:
    """K requests a prompt; no two seeds are neighbours, and the next run asks nothing at all."""
    first = _texts(open_session(f"{server.url}#m"))
    seeds = sorted(call.body["seed"] for call in server.drawn)
    assert len(seeds) == len(PROMPTS) * 3
    assert min(b - a for a, b in pairwise(seeds)) > 100
    assert all(0 <= seed < 2**31 for seed in seeds)
    server.stop()
    assert _texts(open_session(f"{server.url}#m")) == first


def test_a_sample_keeps_its_seed_when_more_are_drawn(server: Scripted, open_session: Open) -> None:
    """Topping up asks for the missing ones alone, with the seeds that they always have."""
    first = _texts(open_session(f"{server.url}#m", 2))
    more = _texts(open_session(f"{server.url}#m", 5))
    assert {p: group[:2] for p, group in more.items()} == first
    assert len(server.drawn) == len(PROMPTS) * 5
    assert len({call.body["seed"] for call in server.drawn}) == len(PROMPTS) * 5


SENT: Mapping[str, tuple[dict[str, Any], Endpoint, dict[str, Any], tuple[str, ...]]] = {
    "the API's own settings, and what changes nothing": (
        {"temperature": 0.7, "top_p": 0.9},
        Endpoint(),
        {"temperature": 0.7, "top_p": 0.9, "max_tokens": 8, "model": "m"}
        | {"top_k": 0, "min_p": 0.0, "repetition_penalty": 1.0, "repeat_penalty": 1.0},
        ("n", "prompt", "stop"),
    ),
    "stop strings": ({"stop": ("\n\n", "END")}, Endpoint(), {"stop": ["\n\n", "END"]}, ()),
    "settings beyond the API": (
        {"top_k": 40, "min_p": 0.1, "repetition_penalty": 1.1},
        Endpoint(),
        {"top_k": 40, "min_p": 0.1, "repetition_penalty": 1.1, "repeat_penalty": 1.1},
        (),
    ),
    "fields of the checkpoint's own": (
        {},
        Endpoint(body={"generation_config": "{}", "chat_template_kwargs": {"thinking": False}}),
        {"generation_config": "{}", "chat_template_kwargs": {"thinking": False}},
        (),
    ),
    "a body that says otherwise": (
        {"top_k": 40},
        Endpoint(body={"top_k": 20, "min_p": 0.2}),
        {"top_k": 40, "min_p": 0.2, "repetition_penalty": 1.0},
        (),
    ),
    "a system message": (
        {"system": "be brief"},
        Endpoint(),
        {"messages": [{"role": "system", "content": "be brief"}]},
        (),
    ),
    "completions": (
        {"system": "be brief"},
        Endpoint(api="completions"),
        {"prompt": f"be brief\n\n{PROMPTS[0]}"},
        ("messages",),
    ),
}


@pytest.mark.parametrize("case", SENT)
def test_what_is_sent(server: Scripted, open_session: Open, case: str) -> None:
    """A request says what the domain and the checkpoint say, and nothing a server may not know."""
    settings, how, expected, absent = SENT[case]
    open_session(f"{server.url}#m", server=how, **settings).samples("m", "d")
    body = min(server.drawn, key=lambda call: PROMPTS[0] not in str(call.body)).body
    for name, value in expected.items():
        found = body[name][:1] if name == "messages" else body[name]
        assert found == value
    assert not set(absent) & body.keys()


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


def refuses(*fields: tuple[str, float | None]) -> Callable[[Call], Reply | None]:
    """A server that answers 400 to these fields, with None to any value of them."""
    return lambda call: (
        Reply(400, "unknown field")
        if any(name in call.body and value in {call.body[name], None} for name, value in fields)
        else None
    )


FIELDS = ("top_k", "min_p", "repetition_penalty", "repeat_penalty")
NEUTRAL: Mapping[str, tuple[Callable[[Call], Reply | None], dict[str, float]]] = {
    "one that knows the API alone": (
        refuses(*[(name, None) for name in FIELDS]),
        {},
    ),
    "one whose top_k is off at -1": (
        refuses(("top_k", 0), ("repeat_penalty", None)),
        {"top_k": -1, "min_p": 0.0, "repetition_penalty": 1.0},
    ),
    "one with names of its own": (
        refuses(("repetition_penalty", None)),
        {"top_k": 0, "min_p": 0.0, "repeat_penalty": 1.0},
    ),
}


@pytest.mark.parametrize("taken", [FIELDS, ()], ids=["it takes all", "it takes none"])
def test_a_busy_server_is_asked_again_what_it_takes(
    server: Scripted, open_session: Open, taken: tuple[str, ...]
) -> None:
    """Too many requests at the moment says nothing about a field."""
    asked: set[str] = set()

    def behave(call: Call) -> Reply | None:
        fields = {name for name in FIELDS if name in call.body}
        new = fields - asked
        asked.update(new)
        if new:
            return Reply(429, "later", {"retry-after": "0"})
        return None if fields <= set(taken) else Reply(422, "unexpected field")

    server.behave = behave
    open_session(f"{server.url}#m").samples("m", "d")
    assert set(FIELDS) & server.drawn[0].body.keys() == set(taken)


@pytest.mark.parametrize("case", NEUTRAL)
def test_defaults_of_a_server_are_turned_off(
    server: Scripted, open_session: Open, case: str
) -> None:
    """Each field that it takes is sent with the value that changes nothing, and no other."""
    server.behave, expected = NEUTRAL[case]
    open_session(f"{server.url}#m").samples("m", "d")
    assert server.drawn
    for call in server.drawn:
        assert {name: call.body[name] for name in FIELDS if name in call.body} == expected


TROUBLES: Mapping[str, Callable[[Call], Reply]] = {
    "too many requests": lambda _: Reply(429, {"error": {"message": "slow"}}, {"Retry-After": "1"}),
    "an error of the server": lambda _: Reply(500, "oops"),
    "an overloaded server": lambda _: Reply(503, "", {"Retry-After": "1"}),
    "a connection that is dropped": lambda _: Reply(None),
}


@pytest.mark.parametrize("case", TROUBLES)
def test_passing_troubles_lose_nothing(server: Scripted, open_session: Open, case: str) -> None:
    """A request that fails is repeated, with its seed, and every sample arrives once."""
    failed: set[int] = set()

    def fail_once(call: Call) -> Reply | None:
        if call.probes or call.number % 4 or call.body["seed"] in failed:
            return None
        failed.add(call.body["seed"])
        return TROUBLES[case](call)

    server.behave = fail_once
    texts = _texts(open_session(f"{server.url}#m"))
    assert failed
    assert [len(set(group)) for group in texts.values()] == [3] * len(PROMPTS)
    assert len(server.drawn) == len(PROMPTS) * 3 + len(failed)


def test_a_server_that_says_when_is_not_asked_before(server: Scripted, open_session: Open) -> None:
    """`Retry-After` is waited for, however short the first backoff would be."""
    times: list[float] = []

    def busy(call: Call) -> Reply | None:
        if call.probes:
            return None
        times.append(time.monotonic())
        return Reply(429, "", {"Retry-After": "2"}) if len(times) == 1 else None

    server.behave = busy
    open_session(f"{server.url}#m", 1, server=Endpoint(concurrency=1)).samples("m", "d")
    assert times[1] - times[0] >= 1.9


def _after(answered: int, reply: Reply) -> Callable[[Call], Reply | None]:
    return lambda call: None if call.probes or call.number < answered else reply


FAILURES: Mapping[str, tuple[Reply, str]] = {
    "a key that is refused": (
        Reply(401, {"error": {"message": f"Incorrect API key provided: {KEY}"}}),
        r"answers 401: Incorrect API key provided: \*\*\*; put a key that it takes",
    ),
    "a path that is not there": (
        Reply(404, {"detail": "Not Found"}),
        "answers 404: Not Found; che",
    ),
    "a setting that it does not take": (
        Reply(422, {"detail": "Unexpected fields: {'top_k'}"}),
        "answers 422: Unexpected fields: {'top_k'}; change the setting that it names",
    ),
    "an error that does not pass": (
        Reply(500, "out of memory"),
        "answers 500: .*look into its log",
    ),
    "a limit that does not pass": (Reply(429, ""), "answers 429: .*lower the checkpoint's concur"),
    "a connection that is always dropped": (Reply(None), "cannot be reached: .*; start it"),
    "no JSON": (Reply(200, '{"choices": [{"mess'), "answers with no completion: "),
    "a page of HTML": (
        Reply(200, "<html>Welcome</html>"),
        "answers with no completion: '<html>Welcome</html>'; it mus",
    ),
    "a key that is refused with a 200": (
        Reply(200, {"error": f"bad key {KEY}"}),
        r"answers with no completion: .*bad key \*\*\*",
    ),
    "no choices": (Reply(200, {"choices": []}), "answers with no completion"),
    "a text that is none": (
        Reply(200, {"choices": [{"message": {"content": 5}}]}),
        "answers with no completion",
    ),
}


@pytest.mark.parametrize("case", FAILURES)
def test_what_does_not_pass_is_one_sentence(
    server: Scripted, open_session: Open, monkeypatch: pytest.MonkeyPatch, case: str
) -> None:
    """It says what the server said and what to do, without the key, and keeps what arrived."""
    reply, message = FAILURES[case]
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    server.behave = _after(5, reply)
    session = open_session(f"{server.url}#m", server=Endpoint(retries=1, concurrency=1))
    with pytest.raises(SamplingError, match=message) as caught:
        session.samples("m", "d")
    assert KEY not in str(caught.value)
    assert "\n" not in str(caught.value)
    assert _stored(session) == 5


def test_no_answer_in_time_is_one_sentence(server: Scripted, open_session: Open) -> None:
    """A server that hangs is given up after the checkpoint's timeout."""
    ended = threading.Event()
    server.behave = lambda call: None if call.probes else Reply(None) if ended.wait(60) else None
    session = open_session(f"{server.url}#m", server=Endpoint(retries=0, timeout=1))
    with pytest.raises(SamplingError, match="gave no answer within 1 s; raise the checkpoint's ti"):
        session.samples("m", "d")
    ended.set()


def test_a_server_that_dies_keeps_what_arrived(server: Scripted, open_session: Open) -> None:
    """What it gave is in the store, and once it is back the rest alone is drawn."""
    source, how = f"{server.url}#m", Endpoint(retries=1, concurrency=2)

    def die(call: Call) -> Reply | None:
        return Reply(None) if call.number >= 6 and not call.probes else None

    server.behave = die
    session = open_session(source, server=how)
    with pytest.raises(SamplingError, match="cannot be reached"):
        session.samples("m", "d")
    server.stop()
    with pytest.raises(SamplingError, match="cannot be reached"):
        open_session(source, server=how).samples("m", "d")
    kept = _stored(session)
    assert kept in {5, 6}  # the sixth may be on its way when the seventh is given up
    server.behave = lambda _: None
    server.calls.clear()
    server.restart()
    texts = _texts(open_session(source, server=how))
    assert [len(set(group)) for group in texts.values()] == [3] * len(PROMPTS)
    assert len(server.drawn) == len(PROMPTS) * 3 - kept


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
    assert [len(group) for group in _texts(session).values()] == [3] * len(PROMPTS)
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
        return _texts(open_session(f"{server.url}#m"))

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
    assert len(_texts(open_session(f"{server.url}#m"))) == len(PROMPTS)


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


SERVED: Mapping[str, tuple[str, list[str] | None, str]] = {
    "the only one, not named": ("", ["only"], "only"),
    "one of several": ("#b", ["a", "b"], "b"),
    "one that a server without a list has": ("#x", None, "x"),
    "one that a list of something else leaves out": ("#x", ["cached/model"], "x"),
}


@pytest.mark.parametrize("case", SERVED)
def test_models_that_are_found(server: Scripted, open_session: Open, case: str) -> None:
    """The model is the one named, or the only one."""
    name, server.models, expected = SERVED[case]
    known = {*(server.models or ()), "x"}
    server.behave = lambda call: (
        None if call.body["model"] in known else Reply(404, "no such model")
    )
    open_session(server.url + name).samples("m", "d")
    assert {call.body["model"] for call in server.drawn} == {expected}


UNSERVED: Mapping[str, tuple[str, list[str] | None, str]] = {
    "not named, and there are several": (
        "",
        ["a", "b"],
        "names no model; append #MODEL: it has a,",
    ),
    "not named, and there is no list": ("", None, "names no model; append #MODEL"),
    "one that it has not, though it takes any name": ("#c", ["a"], "has no model 'c'; it has a"),
}


@pytest.mark.parametrize("case", UNSERVED)
def test_models_that_are_not_found(server: Scripted, open_session: Open, case: str) -> None:
    """One sentence says what the server has; nothing is drawn from another model instead."""
    name, server.models, message = UNSERVED[case]
    session = open_session(server.url + name)
    with pytest.raises(CheckpointError, match=message):
        session.samples("m", "d")
    assert server.drawn == []


def test_a_greedy_server_is_refused(server: Scripted, open_session: Open) -> None:
    """Four seeds that give one text at temperature 1 are no sampling; nothing is drawn."""
    server.behave = lambda call: complete(call, "always the same")
    with pytest.raises(
        CheckpointError, match=r"does not sample: 4 seeds at temperature 1.*generat"
    ):
        open_session(f"{server.url}#m").samples("m", "d")
    assert server.drawn == []


def test_empty_texts_are_refused(server: Scripted, open_session: Open) -> None:
    """A server whose texts are all reasoning, or which has no chat template, is not sampled."""
    empty = Reply(200, {"choices": [{"message": {"content": None}, "finish_reason": "length"}]})
    server.behave = lambda _: empty
    with pytest.raises(CheckpointError, match="gives empty texts; turn its reasoning off"):
        open_session(f"{server.url}#m").samples("m", "d")


PROBED: Mapping[str, tuple[Callable[[Call], Reply | None], str]] = {
    "all of it": (
        lambda _: None,
        "n is honoured, log-probabilities are not given; top_k, min_p, repetition_penalty, ",
    ),
    "no fields beyond the API": (
        refuses(*[(name, None) for name in FIELDS]),
        "top_k, min_p and penalties are the server's own: see docs/servers.md",
    ),
    "no n": (
        lambda call: complete(call, text_of(call)) if "n" not in call.body else Reply(400, "no n"),
        "seeds repeat, n is ignored",
    ),
    "no seeds": (
        lambda call: complete(call, f"text {time.monotonic_ns()}"),
        "seeds do not repeat, n is honoured",
    ),
}


@pytest.mark.parametrize("case", PROBED)
def test_what_a_probe_finds_is_said(
    server: Scripted, open_session: Open, capsys: pytest.CaptureFixture[str], case: str
) -> None:
    """A server is probed once for all that is drawn from it, and the run says what it does."""
    behave, message = PROBED[case]
    server.behave = behave
    session = open_session(f"{server.url}#m")
    session.resources._show = showing(Console)
    session.samples("m", "d")
    asked = len(server.calls) - len(server.drawn)
    assert message in capsys.readouterr().err
    session.features("m", "d", 2)
    session.features("m", "d", 5)
    assert len(server.calls) - len(server.drawn) == asked


def test_the_key_is_sent_and_nothing_else_knows_it(
    server: Scripted,
    open_session: Open,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    """It is in the requests' header, and neither in the store nor in any output or log."""
    monkeypatch.setenv("MY_KEY", KEY)
    monkeypatch.setenv("OPENAI_API_KEY", "sk-of-another-server")
    with caplog.at_level("DEBUG"):
        session = open_session(f"{server.url}#m", server=Endpoint(api_key_env="MY_KEY"))
        session.resources._show = showing(Console)
        session.samples("m", "d")
        session.close()
    assert {call.headers["authorization"] for call in server.calls} == {f"Bearer {KEY}"}
    files = [path for path in session.resources.store.path.parent.rglob("*") if path.is_file()]
    assert files
    assert not any(KEY.encode() in path.read_bytes() for path in files)
    captured = capfd.readouterr()
    assert KEY not in captured.out + captured.err + caplog.text


@pytest.mark.parametrize("key", [f"{KEY}\nX: y", "schlüssel-123"], ids=["two lines", "no ASCII"])
def test_a_key_that_cannot_be_sent_is_not_shown(
    server: Scripted, open_session: Open, monkeypatch: pytest.MonkeyPatch, key: str
) -> None:
    """The client's own error would hold it."""
    monkeypatch.setenv("OPENAI_API_KEY", key)
    with pytest.raises(ConfigError, match="key in the environment cannot be sent") as caught:
        open_session(f"{server.url}#m").samples("m", "d")
    assert key[:9] not in str(caught.value)


def test_a_key_may_end_in_a_line_break(
    server: Scripted, open_session: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As keys that are read from files do."""
    monkeypatch.setenv("OPENAI_API_KEY", f"{KEY}\n")
    open_session(f"{server.url}#m").samples("m", "d")
    assert {call.headers["authorization"] for call in server.calls} == {f"Bearer {KEY}"}


def test_half_a_surrogate_pair_is_one_sentence(server: Scripted, open_session: Open) -> None:
    """What has no UTF-8 form cannot be sent."""
    session = open_session(f"{server.url}#m", system="\ud800")
    with pytest.raises(SamplingError, match="half of a surrogate pair"):
        session.samples("m", "d")


def test_a_key_that_is_not_there_is_one_sentence(
    server: Scripted, open_session: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The variable's name is not shown either: the key itself may stand in its place."""
    monkeypatch.delenv("MY_KEY", raising=False)
    session = open_session(f"{server.url}#m", server=Endpoint(api_key_env="MY_KEY"))
    with pytest.raises(ConfigError, match="variable of api_key_env is not set; set it") as caught:
        session.samples("m", "d")
    assert "MY_KEY" not in str(caught.value)
    assert server.calls == []


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
