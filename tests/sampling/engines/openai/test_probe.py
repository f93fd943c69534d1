"""What is found out of a server before it is drawn from."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

import pytest

from pytest_diversity.errors import CheckpointError
from pytest_diversity.report.progress import Console, showing

from .scripted import FIELDS, Call, Reply, Scripted, complete, refuses, text_of
from .sessions import Open

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
