"""`--diversity-deterministic` on a server: it is seen to repeat itself, or refused."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pytest_diversity.config.options import Options
from pytest_diversity.config.server import Endpoint
from pytest_diversity.config.values import Checkpoint
from pytest_diversity.errors import CheckpointError, SamplingError
from pytest_diversity.sampling.engines.openai import ServerModel, find
from pytest_diversity.sampling.engines.openai.reply import read_deterministic
from pytest_diversity.sampling.protocol import Setup
from tests.sampling.conftest import Said

from .scripted import Call, Reply, Scripted, complete, text_of, wait_until

Behave = Callable[[Call], Reply | None]
SAYS_YES = {"/server_info": Reply(200, {"enable_deterministic_inference": True})}
SAYS_NO = {"/get_server_info": Reply(200, {"enable_deterministic_inference": False})}


def _found(server: Scripted, *, deterministic: bool = True, **how: Any) -> ServerModel:
    checkpoint = Checkpoint("m", f"{server.url}#m", server=Endpoint(**{"retries": 0, **how}))
    return find(checkpoint, Setup(Options(deterministic=deterministic), Path(), Path(), {}))


def _asked(call: Call) -> str:
    return f"{call.body['seed']} {call.body['messages']}"


def _is_longer(call: Call) -> bool:
    return str(call.body["messages"]).count("forty random letters") > 1


def _repeats(times: int) -> Behave:
    """A server that gives a question the same text so many times, and others afterwards."""
    asked: Counter[str] = Counter()

    def behave(call: Call) -> Reply | None:
        asked[_asked(call)] += call.body["max_tokens"] > 1
        late = asked[_asked(call)] > times
        return complete(call, f"{text_of(call)} {time.monotonic_ns()}") if late else None

    return behave


TRUSTED: Mapping[str, tuple[Mapping[str, Reply], str]] = {
    "SGLang that says yes": (SAYS_YES, "it says that it is deterministic"),
    "SGLang of before": (
        {"/get_server_info": SAYS_YES["/server_info"]},
        "it says that it is deterministic",
    ),
    "vLLM that shows its variables": (
        {"/server_info": Reply(200, {"vllm_env": {"VLLM_BATCH_INVARIANT": True}})},
        "it says that it is deterministic",
    ),
    "no such page": ({}, "it does not say whether it is deterministic"),
    "a page of something else": (
        {"/server_info": Reply(200, "<html>")},
        "it does not say whether it is deterministic",
    ),
}


@pytest.mark.parametrize("case", TRUSTED)
def test_what_was_seen_and_what_was_said_are_told_apart(
    server: Scripted, said: Said, case: str
) -> None:
    """A server that repeats itself is drawn from, and the run says on what that rests."""
    server.pages, claim = TRUSTED[case]
    _found(server).load(said)
    (line,) = said.lines
    assert (
        "seeds repeat, alone and among others (8 texts of 64 tokens at most, 16 at a "
        f"time; {claim}), n is honoured" in line
    )


def test_a_page_that_holds_the_key_is_read_and_not_repeated(
    server: Scripted, said: Said, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SGLang shows all of its settings, the key that it asks for among them."""
    key = "sk-secret-1234567890"
    monkeypatch.setenv("OPENAI_API_KEY", key)
    page = {"enable_deterministic_inference": True, "api_key": key}
    server.pages = {"/server_info": Reply(200, page)}
    _found(server).load(said)
    assert "it says that it is deterministic" in said.lines[0]
    assert key not in said.lines[0]


# name -> (its pages, what it does, what is said)
REFUSED: Mapping[str, tuple[Mapping[str, Reply], Behave, str]] = {
    "one that never repeats": (
        {},
        _repeats(0),
        "is not deterministic: a seed gave another text when it was asked again alone; start SGL",
    ),
    "one that repeats alone and not in a crowd": (
        {},
        _repeats(2),
        "is not deterministic: 5 of 8 texts were others among other requests; start SGLang with ",
    ),
    "one that says yes and does not": (
        SAYS_YES,
        _repeats(2),
        "5 of 8 texts were others among other requests; start",
    ),
    "SGLang that says no, whatever it does": (
        SAYS_NO,
        lambda _: None,
        "says that it is not deterministic; start SGLang with --enable-deterministic-inference, vL",
    ),
    "vLLM that says no": (
        {"/server_info": Reply(200, {"vllm_env": {"VLLM_BATCH_INVARIANT": False}})},
        lambda _: None,
        "says that it is not deterministic; start",
    ),
    "one that fails when it is asked much": (
        {},
        lambda call: Reply(500, "too much") if _is_longer(call) else None,
        "answers 500: too much; look into its log",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_server_that_cannot_be_relied_on_is_refused(
    server: Scripted, said: Said, case: str
) -> None:
    """In one sentence with the way out, before anything is drawn."""
    server.pages, server.behave, message = REFUSED[case]
    with pytest.raises((CheckpointError, SamplingError)) as caught:
        _found(server).load(said)
    assert message in str(caught.value)
    assert said.lines == []


def test_without_a_seed_the_way_out_is_another(server: Scripted, said: Said) -> None:
    """A server that is never told the seed cannot repeat it."""
    texts = iter(range(1000))
    server.behave = lambda call: complete(call, f"text {next(texts)}")
    with pytest.raises(CheckpointError, match="let send and omit of the checkpoint pass the seed"):
        _found(server, omit=("seed",)).load(said)


def test_requests_are_open_at_the_same_time(server: Scripted, said: Said) -> None:
    """What is asked among others is: longer prompts wait here until another request is open."""

    def behave(call: Call) -> None:
        if _is_longer(call):
            wait_until(lambda: server.most > 1)

    server.behave = behave
    _found(server).load(said)
    assert server.most > 1


def test_a_server_is_asked_as_much_as_when_it_is_drawn_from(server: Scripted, said: Said) -> None:
    """One request at a time is what its samples get, and what is tried and said."""
    _found(server, concurrency=1).load(said)
    assert server.most == 1
    assert "(8 texts of 64 tokens at most, 1 at a time;" in said.lines[0]


def test_without_the_flag_nothing_is_asked_of_it(server: Scripted, said: Said) -> None:
    """A server that does not repeat is drawn from as ever."""
    server.pages, server.behave = SAYS_NO, _repeats(0)
    _found(server, deterministic=False).load(said)
    assert "seeds do not repeat, n is " in said.lines[0]
    assert not any(map(_is_longer, server.calls))


def test_the_key_says_what_was_promised(server: Scripted) -> None:
    """Samples drawn with the flag are others; without it the key is what it always was."""
    plain, promised = _found(server, deterministic=False).identity, _found(server).identity
    assert plain.engine == "openai/2"
    assert promised == replace(plain, engine="openai/2 deterministic")


PAGES: Mapping[str, tuple[bytes, list[bool]]] = {
    "nothing": (b"", []),
    "a list": (b"[]", []),
    "a number": (b"3", []),
    "no such setting": (b'{"version": "1"}', []),
    "a setting that is a text": (b'{"enable_deterministic_inference": "yes"}', []),
    "variables that are a text": (b'{"vllm_env": "VLLM_BATCH_INVARIANT"}', []),
    "no UTF-8": (b"\xff", []),
    "yes": (b'{"enable_deterministic_inference": true}', [True]),
    "no": (b'{"vllm_env": {"VLLM_BATCH_INVARIANT": false}}', [False]),
}


@pytest.mark.parametrize("case", PAGES)
def test_pages_of_settings_are_read_or_say_nothing(case: str) -> None:
    """Only what is said outright counts."""
    page, expected = PAGES[case]
    assert read_deterministic(page) == expected
