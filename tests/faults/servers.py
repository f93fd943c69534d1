"""A server of a model, and what it does instead of answering."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from random import Random

from tests.faults.projects import speak
from tests.faults.scenarios import Fault, Place
from tests.sampling.engines.openai.scripted import Call, Reply

__all__ = ["SERVERS"]


def _hang(_: Call, __: Random) -> Reply:
    time.sleep(7)  # longer than the project waits
    return Reply(None)


def _drip(call: Call, _: Random) -> Reply:
    return Reply(200, speak(call).content, drip=0.1)


def _half(call: Call, chance: Random) -> Reply:
    body = speak(call).content
    return Reply(200, body[: chance.randrange(len(body))], {"Content-Length": str(len(body))})


def _cut(call: Call, chance: Random) -> Reply:
    body = speak(call).content
    return Reply(200, body[: chance.randrange(len(body))])


def _garbled(call: Call, chance: Random) -> Reply:
    body = bytearray(speak(call).content)
    marks = [place for place, byte in enumerate(body) if byte in b"{}[]:,"]
    body[chance.choice(marks)] = chance.choice(b"\x00\xff{}[]:,")
    return Reply(200, bytes(body))


LIES: Sequence[object] = (
    {},
    [],
    None,
    {"error": "no"},
    {"choices": []},
    {"choices": [{}]},
    {"choices": [None]},
    {"choices": {"message": 1}},
    {"choices": [{"message": {"content": 5}}]},
)


def _lie(_: Call, chance: Random) -> Reply:
    return Reply(200, json.dumps(chance.choice(LIES)))


def _redirect(call: Call, chance: Random) -> Reply:
    to = chance.choice((call.path, "/elsewhere", "http://127.0.0.1:9/v1", "//", ""))
    return Reply(chance.choice((301, 302, 303, 307, 308)), "", {"Location": to})


def _status(*codes: int) -> Callable[[Call, Random], Reply]:
    return lambda _, chance: Reply(chance.choice(codes), {"error": {"message": "not now"}})


INSTEAD: Mapping[str, Callable[[Call, Random], Reply]] = {
    "hangs": _hang,
    "drips": _drip,
    "lies": _lie,
    "redirects": _redirect,
    "answers 429": _status(429),
    "answers 500": _status(500, 502, 503, 504),
    "hangs up": lambda _, __: Reply(None),
    "sends half a body": _half,
    "cuts its JSON": _cut,
    "garbles its JSON": _garbled,
}


def misbehave(what: Callable[[Call, Random], Reply], place: Place) -> None:
    """From some call on, or at one call alone."""
    place.server.calls.clear()
    chance, first = place.random, place.random.randrange(len(place.usual.samples))
    last = first if chance.random() < 0.5 else len(place.usual.samples) * 10

    def behave(call: Call) -> Reply:
        wrong = first <= call.number <= last and not call.probes
        return what(call, chance) if wrong else speak(call)

    place.server.behave = behave


def behave_again(place: Place) -> None:
    """As it should."""
    place.server.behave = speak


SERVERS: Mapping[str, Fault] = {
    name: Fault(before=partial(misbehave, what), after=behave_again)
    for name, what in INSTEAD.items()
}
