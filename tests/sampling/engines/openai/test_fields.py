"""Which fields a server is sent, and what becomes of those that it does not take."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from pytest_diversity.config.server import Endpoint
from pytest_diversity.errors import ConfigError, SamplingError
from pytest_diversity.report.progress import Console, showing

from .scripted import FIELDS, PROMPTS, Call, Reply, Scripted, complete, refuses, text_of
from .sessions import Open

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


REFUSES: Mapping[str, tuple[Endpoint, set[str], set[str]]] = {
    "only these fields": (
        Endpoint(send=("max_tokens",)),
        {"model", "messages", "max_tokens"},
        set(),
    ),
    "all but these": (
        Endpoint(omit=("seed", "top_p", "temperature", "logprobs", "top_logprobs")),
        {"max_tokens"},
        {"seed", "top_p", "temperature", "logprobs"},
    ),
    "by another name": (
        Endpoint(rename={"max_tokens": "max_completion_tokens", "seed": "random_seed"}),
        {"max_completion_tokens", "random_seed"},
        {"max_tokens", "seed"},
    ),
}


@pytest.mark.parametrize("case", REFUSES)
def test_fields_are_left_out_and_renamed(server: Scripted, open_session: Open, case: str) -> None:
    """A service that refuses a field is asked without it, by the probe, too."""
    how, there, absent = REFUSES[case]
    count = iter(range(1000))
    server.behave = lambda call: complete(call, f"{next(count)} {call.body.get('seed')}")
    open_session(f"{server.url}#m", server=how).samples("m", "d")
    assert server.drawn
    for call in server.calls:
        assert there <= call.body.keys()
        assert not absent & call.body.keys()
        if how.send:
            assert call.body.keys() - {"n"} == there


def test_neutral_values_that_are_refused_are_left_out(
    server: Scripted, open_session: Open, capsys: pytest.CaptureFixture[str]
) -> None:
    """`top_p = 1` and `temperature = 1` change nothing where they are the API's defaults."""
    server.behave = lambda call: (
        Reply(400, "unsupported") if {"top_p", "temperature"} & call.body.keys() else None
    )
    session = open_session(f"{server.url}#m")
    session.resources._show = showing(Console)
    session.samples("m", "d")
    assert "temperature, top_p left out where neutral" in capsys.readouterr().err
    with pytest.raises(SamplingError, match="answers 400: unsupported"):
        open_session(f"{server.url}#m", temperature=0.7).samples("m", "d")


def test_a_setting_that_is_chosen_is_not_kept_from_the_server(
    server: Scripted, open_session: Open
) -> None:
    """Samples would be stored under a temperature that nobody has heard of."""
    session = open_session(f"{server.url}#m", server=Endpoint(omit=("temperature",)), temperature=2)
    with pytest.raises(ConfigError, match="'temperature' is set, and send or omit keep it"):
        session.samples("m", "d")
    assert server.drawn == []


def test_what_is_left_out_is_part_of_the_key(server: Scripted, open_session: Open) -> None:
    """Samples that were asked for otherwise are other samples."""
    ways = (
        Endpoint(),
        Endpoint(omit=("top_p",)),
        Endpoint(send=("seed",)),
        Endpoint(rename={"seed": "s"}),
    )
    count = iter(range(1000))
    server.behave = lambda call: complete(call, f"{next(count)} {text_of(call)}")
    for number, how in enumerate(ways, start=1):
        settings = {"max_tokens": 256} if how.send else {}
        session = open_session(f"{server.url}#m", 1, prompts=1, server=how, **settings)
        session.samples("m", "d")
        assert len(server.drawn) == number
