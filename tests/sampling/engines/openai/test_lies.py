"""Servers that say one thing and do another: what is stored is an answer, or nothing is."""

from __future__ import annotations

import gzip
import json
import time
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from pytest_diversity.config.server import Endpoint
from pytest_diversity.errors import SamplingError
from pytest_diversity.report.progress import Console, showing
from pytest_diversity.samples import Sample
from pytest_diversity.sampling.engines.openai import transport

from .scripted import Call, Reply, Scripted, complete
from .sessions import Open, stored

ONCE = Endpoint(retries=1, concurrency=1, timeout=20)


def _message(finish_reason: Any = "stop", **message: Any) -> dict[str, Any]:
    return {"choices": [{"finish_reason": finish_reason, "message": message}]}


def _drawing(body: Reply | Mapping[str, Any] | str | bytes) -> Callable[[Call], Reply | None]:
    """A server that behaves while it is probed, and not when it is drawn from."""
    reply = body if isinstance(body, Reply) else Reply(200, body)
    return lambda call: None if call.probes else reply


KEPT: Mapping[str, tuple[dict[str, Any], tuple[str, str | None], str | None]] = {
    "a text": (_message(content="so it is"), ("so it is", "stop"), None),
    "an end without a reason": (
        {"choices": [{"message": {"content": "yes"}}]},
        ("yes", None),
        None,
    ),
    "a filtered text": (
        _message("content_filter", content="half a"),
        ("half a", "content_filter"),
        "content_filter",
    ),
    "a filtered text that is null": (
        _message("content_filter", content=None),
        ("", "content_filter"),
        "content_filter",
    ),
    "a refusal beside the content": (
        _message(content=None, refusal="I cannot"),
        ("I cannot", "refusal"),
        "refusal",
    ),
    "a refusal as the reason": (_message("refusal", content="No."), ("No.", "refusal"), "refusal"),
    "a refusal among the parts": (
        _message(content=[{"type": "refusal", "refusal": "No."}]),
        ("No.", "refusal"),
        "refusal",
    ),
    "a call of a tool": (
        _message("tool_calls", content=None, tool_calls=[{"id": "1"}]),
        ("", "tool_calls"),
        "tool_calls",
    ),
    "a call of a tool that stops": (
        _message(content=None, tool_calls=[{"id": "1"}]),
        ("", "tool_calls"),
        "tool_calls",
    ),
    "a call of a function": (
        _message("stop", content=None, function_call={"name": "f"}),
        ("", "function_call"),
        "function_call",
    ),
    "an empty text": (_message(content=""), ("", "stop"), "empty"),
    "blanks": (_message(content=" \n"), (" \n", "stop"), "empty"),
    "a cut text that is null": (_message("length", content=None), ("", "length"), "empty"),
    "parts of a text": (
        _message(content=[{"type": "text", "text": "so "}, {"type": "text", "text": "it is"}]),
        ("so it is", "stop"),
        None,
    ),
    "a thought among the parts": (
        _message(
            content=[
                {"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]},
                {"type": "text", "text": "yes"},
            ]
        ),
        ("yes", "stop"),
        None,
    ),
    "a thought": (
        _message(content="yes", reasoning_content="hm"),
        ("yes", "stop"),
        None,
    ),
    "a thought by another name": (
        _message(content="yes", reasoning="hm"),
        ("yes", "stop"),
        None,
    ),
    "a thought alone": (
        _message("length", content=None, reasoning="hm"),
        ("", "length"),
        "thought alone",
    ),
    "half of a surrogate pair": (_message(content="so \ud83d"), ("so \ufffd", "stop"), None),
    "an empty error": ({**_message(content="yes"), "error": None}, ("yes", "stop"), None),
}


@pytest.mark.parametrize("case", KEPT)
def test_finished_answers_are_samples(server: Scripted, open_session: Open, case: str) -> None:
    """Each is stored as it ended; what is no answer is an invalid sample, and none is dropped."""
    body, expected, fault = KEPT[case]
    server.behave = _drawing(body)
    session = open_session(f"{server.url}#m", 1, prompts=1, server=ONCE)
    (sample,) = session.samples("m", "d").samples
    assert (sample.text, sample.finish_reason, sample.fault) == (*expected, fault)
    assert sample.thought == ("hm" if "thought" in case else None)
    features = session.features("m", "d")
    notes = (f"1 of 1 samples of m are no answers (1 {fault}): they count as invalid",)
    assert features.notes == (notes if fault else ())
    assert len(server.drawn) == 1


UNFINISHED: Mapping[str, tuple[dict[str, Any] | str | bytes, str]] = {
    "an error as the reason": (
        _message("error", content="half"),
        "not finished (finish_reason 'error')",
    ),
    "an abort": (_message("abort", content="half"), "not finished (finish_reason 'abort')"),
    "no reason yet": (_message(None, content="half"), "not finished (finish_reason None)"),
    "no text": (_message(content=None), "answers with no text (content null)"),
    "no text of a completion": (
        {"choices": [{"text": None, "finish_reason": "stop"}]},
        "answers with no text (content null)",
    ),
    "a reason that is a number": (_message(5, content="yes"), "a finish_reason that is none"),
    "a reason that is a list": (_message(["stop"], content="yes"), "answers with no completion"),
    "an error with a 200": (
        {"error": {"message": "out of memory", "code": 500}},
        'answers with no completion: \'{"error": {"message": "out of memory"',
    ),
    "an error beside an answer": (
        {**_message(content="yes"), "error": {"message": "quota"}},
        "quota",
    ),
    "a list": ("[]", "answers with no completion"),
    "null": ("null", "answers with no completion"),
    "nothing": ("", "answers with no completion: ''"),
    "a number of five thousand digits": (
        '{"choices": [], "x": ' + "9" * 5000 + "}",
        "no completion",
    ),
    "brackets without end": ("[" * 100_000, "answers with no completion"),
    "a message that is a text": ({"choices": [{"message": "hi"}]}, "answers with no completion"),
    "parts that are none": (_message(content=[{"type": "text"}]), "answers with no completion"),
    "another encoding": (
        json.dumps(_message(content="schön"), ensure_ascii=False).encode("latin-1"),
        "answers with no completion",
    ),
    "bytes that are no text": (b"\xff\xfe\x00", "answers with no completion"),
}


@pytest.mark.parametrize("case", UNFINISHED)
def test_what_is_not_finished_is_asked_again_and_ends_the_run(
    server: Scripted, open_session: Open, case: str
) -> None:
    """Whatever the status says, it is no sample; what was drawn before is kept."""
    body, message = UNFINISHED[case]
    server.behave = lambda call: None if call.probes or call.number < 1 else _drawing(body)(call)
    session = open_session(f"{server.url}#m", server=ONCE)
    with pytest.raises(SamplingError) as caught:
        session.samples("m", "d")
    assert message in str(caught.value)
    assert stored(session) == 1
    first, *again = [call.body["seed"] for call in server.drawn]
    assert again == [again[0]] * 2 != [first] * 2


def test_a_call_that_is_no_answer_says_why_of_each_of_its_answers(
    server: Scripted, open_session: Open
) -> None:
    """Verbalized answers that were refused are not called malformed."""
    server.behave = _drawing(_message(content=None, refusal="I cannot"))
    session = open_session(
        f"{server.url}#m", 4, prompts=1, server=ONCE, mode="verbalized", answers_per_call=4
    )
    assert [sample.fault for sample in session.samples("m", "d").samples] == ["refusal"] * 4


def test_an_error_that_passes_loses_nothing(server: Scripted, open_session: Open) -> None:
    """The same sample, with its seed, is asked for again."""
    failed: set[int] = set()

    def fail_once(call: Call) -> Reply | None:
        if call.probes or call.body["seed"] in failed:
            return None
        failed.add(call.body["seed"])
        return Reply(200, {"error": "busy"})

    server.behave = fail_once
    session = open_session(f"{server.url}#m", 2, prompts=2, server=Endpoint(retries=1))
    assert len(list(session.samples("m", "d").samples)) == len(failed) == 4


@pytest.mark.parametrize(
    "declared", ["application/json; charset=latin-1", "text/html; charset=utf-16", "nonsense"]
)
def test_json_is_utf_8_whatever_the_header_says(
    server: Scripted, open_session: Open, declared: str
) -> None:
    """A header that names another encoding changes no letter."""
    body = json.dumps(_message(content="schön, 好"), ensure_ascii=False)
    server.behave = _drawing(Reply(200, body, {"Content-Type": declared}))
    session = open_session(f"{server.url}#m", 1, prompts=1, server=ONCE)
    assert [sample.text for sample in session.samples("m", "d").samples] == ["schön, 好"]


ODD: Mapping[str, tuple[dict[str, Any], str]] = {
    **{
        f"{tokens!r:.12} tokens": ({"usage": {"completion_tokens": tokens}}, "completion_tokens")
        for tokens in (10**30, -1, "7", 7.5, True, [7])
    },
    **{
        f"a log-probability of {value}": (
            {"logprobs": {"content": [{"token": "a", "logprob": value}]}},
            "logprobs",
        )
        for value in (3.5, 10**400, float("nan"), float("-inf"))
    },
}


@pytest.mark.parametrize("case", ODD)
def test_numbers_out_of_range_are_left_out_and_said(
    server: Scripted, open_session: Open, capsys: pytest.CaptureFixture[str], case: str
) -> None:
    """The text is a sample all the same, without what cannot be true of it."""
    fields, name = ODD[case]
    body = _message(content="so it is")
    if name == "logprobs":
        body["choices"][0] |= fields
    else:
        body |= fields
    server.behave = _drawing(body)
    session = open_session(f"{server.url}#m", 2, prompts=1, server=ONCE)
    session.resources._show = showing(Console)
    for sample in session.samples("m", "d").samples:
        plain = Sample(sample.prompt, sample.index, "so it is", domain="d", finish_reason="stop")
        assert sample == plain
    said = f"the server gives {name} out of range, which are left out"
    assert capsys.readouterr().err.count(said) == 1


def test_a_server_that_drips_is_given_up(server: Scripted, open_session: Open) -> None:
    """The timeout is of a whole answer: a byte now and then does not put it off."""
    server.behave = lambda call: (
        None if call.probes else Reply(200, complete(call).content, drip=0.2)
    )
    session = open_session(f"{server.url}#m", server=Endpoint(retries=0, timeout=1.5))
    begun = time.monotonic()
    with pytest.raises(SamplingError, match=r"gave no answer within 1\.5 s"):
        session.samples("m", "d")
    assert time.monotonic() - begun < 15


@pytest.mark.parametrize("packed", [False, True], ids=["as it is", "packed"])
def test_a_reply_without_end_is_one_sentence(
    server: Scripted, open_session: Open, monkeypatch: pytest.MonkeyPatch, *, packed: bool
) -> None:
    """No more than so much of it is held, whatever the status."""
    monkeypatch.setattr(transport, "_LARGEST", 2**20)
    body = b" " * 2**22
    headers = {"Content-Encoding": "gzip"} if packed else {}
    server.behave = _drawing(Reply(200, gzip.compress(body) if packed else body, headers))
    with pytest.raises(SamplingError, match="its reply has more than 1 MiB"):
        open_session(f"{server.url}#m", server=ONCE).samples("m", "d")


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirects_are_refused(server: Scripted, open_session: Open, status: int) -> None:
    """Nothing follows one, not even to the same host."""
    server.behave = _drawing(Reply(status, "", {"Location": f"{server.url}/elsewhere"}))
    with pytest.raises(SamplingError, match=f"answers {status}: .*no key follows a redirect"):
        open_session(f"{server.url}#m", server=ONCE).samples("m", "d")
    assert {call.path for call in server.calls} == {"/v1/chat/completions"}


CONTROL = "\x1b[2J\x1b]0;title\x07 \r\x9b31m\u202e\u200b\u2066"


@pytest.mark.parametrize("status", [200, 400, 500])
def test_what_a_server_says_has_no_control_characters(
    server: Scripted, open_session: Open, status: int
) -> None:
    """Escape sequences, carriage returns, bidi overrides and zero widths are shown as such."""
    server.behave = _drawing(Reply(status, json.dumps({"error": {"message": f"no{CONTROL}"}})))
    with pytest.raises(SamplingError) as caught:
        open_session(f"{server.url}#m", server=ONCE).samples("m", "d")
    assert str(caught.value).isprintable()
    assert r"\x1b" in str(caught.value) or r"\u001b" in str(caught.value)


def test_what_a_server_is_called_has_no_control_characters(
    server: Scripted, open_session: Open, capsys: pytest.CaptureFixture[str]
) -> None:
    """The name of the only model is the server's to choose."""
    server.models = [f"m{CONTROL}"]
    session = open_session(server.url)
    session.resources._show = showing(Console)
    session.samples("m", "d")
    said = capsys.readouterr().err
    assert r"the server samples m\x1b[2J" in said
    assert said.replace("\n", "").isprintable()
