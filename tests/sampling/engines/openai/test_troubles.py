"""Troubles of a network and of a server: those that pass lose nothing, others are one sentence."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping

import pytest

from pytest_diversity.config.server import Endpoint
from pytest_diversity.errors import SamplingError

from .scripted import PROMPTS, Call, Reply, Scripted
from .sessions import Open, stored, texts_of

KEY = "sk-secret-1234567890"
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
    texts = texts_of(open_session(f"{server.url}#m"))
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
    assert stored(session) == 5


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
    kept = stored(session)
    assert kept in {5, 6}  # the sixth may be on its way when the seventh is given up
    server.behave = lambda _: None
    server.calls.clear()
    server.restart()
    texts = texts_of(open_session(source, server=how))
    assert [len(set(group)) for group in texts.values()] == [3] * len(PROMPTS)
    assert len(server.drawn) == len(PROMPTS) * 3 - kept
