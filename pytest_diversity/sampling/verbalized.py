"""Verbalized Sampling (Zhang et al. 2025): one call asks for several answers with probabilities.

It stands above the engines: calls are requests like any other, and their texts are split. Sample i
of a prompt is answer i % n of call i // n.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import groupby
from typing import Any

from pytest_diversity.prompts import Message
from pytest_diversity.samples import MALFORMED, NO_ANSWER, Sample
from pytest_diversity.sampling.protocol import Engine, Progress, Request
from pytest_diversity.thinking import without_thought

__all__ = ["MalformedReplyError", "calls", "read_reply", "sample"]

# The format of the paper. Another wording draws other texts: raise the engines' versions with it.
_INSTRUCTION = """\
Generate {count} responses to the request below, sampled at random from the full distribution of \
your responses.

Return them as a JSON object with the key "responses": a list of {count} objects, each with
- "text": the response only, with no explanation or extra text
- "probability": the probability of this response among all possible ones, from 0.0 to 1.0

Give ONLY the JSON object, with no explanation or extra text.

The request: {prompt}"""
_FENCED = re.compile(r"```(?:json)?[ \t]*\n(.*)\n```", re.DOTALL)


class MalformedReplyError(ValueError):
    """A reply that is not what was asked for; the message says why."""


def read_reply(reply: str, count: int) -> list[str | None]:
    """The texts of a reply, `count` of them: None for one that is missing or malformed.

    The reply is a JSON object, in a code fence at most. Each answer has a text that is not empty
    and a number from 0 to 1 as its probability; neither their sum matters nor that two are equal.

    Raises:
        MalformedReplyError: It is not one such object, or has more answers than were asked for,
            so that none can be told to be the right one.
    """
    found = _responses(reply)
    if len(found) > count:
        raise MalformedReplyError(f"{len(found)} responses, not {count}")
    answers = [_answer(one) for one in found]
    return answers + [None] * (count - len(answers))


def sample(engine: Engine, requests: Sequence[Request], progress: Progress) -> Iterator[Sample]:
    """Samples of both modes; all answers of a call, also those that nobody asked for yet.

    Raises:
        SamplingError: The engine failed.
    """
    for generation, group in groupby(requests, key=lambda request: request.generation):
        if generation.mode == "verbalized":
            yield from _verbalized(engine, list(group), generation.answers_per_call, progress)
        else:
            yield from engine.sample(list(group), progress)


def calls(requests: Iterable[Request]) -> list[Request]:
    """What an engine is asked for the samples of `requests`."""
    return [
        _calls(one, one.generation.answers_per_call) if one.generation.mode == "verbalized" else one
        for one in requests
    ]


def _verbalized(
    engine: Engine, requests: Sequence[Request], count: int, progress: Progress
) -> Iterator[Sample]:
    calls = [_calls(request, count) for request in requests]
    wanted, asked = _total(requests), _total(calls)
    missing, problems = 0, list[str]()
    for reply in engine.sample(calls, _Share(progress, wanted / asked)):
        try:
            answers = read_reply(without_thought(reply).text, count)
        except MalformedReplyError as error:
            problems.append(f"; the first reply that cannot be read is {error}")
            answers = [None] * count
        missing += answers.count(None)
        yield from _samples(reply, answers)
    if missing:
        progress.say(
            f"{missing} of {asked * count} answers are not as asked for, and count as invalid"
            + "".join(problems[:1])
        )


class _Share:
    """Progress in samples of an engine that counts calls."""

    def __init__(self, progress: Progress, samples: float) -> None:
        self._progress = progress
        self._samples = samples  # a call
        self.say = progress.say

    def advance(self, samples: float, tokens: int) -> None:
        self._progress.advance(samples * self._samples, tokens)


def _calls(request: Request, count: int) -> Request:
    """The calls whose answers hold the requested samples; `max_tokens` is of an answer."""
    generation = request.generation
    text = _INSTRUCTION.format(count=count, prompt=request.text)
    return replace(
        request,
        text=text,
        messages=(*request.messages[:-1], Message("user", text)) if request.messages else (),
        numbers=tuple(sorted({number // count for number in request.numbers})),
        generation=replace(generation, mode="direct", max_tokens=generation.max_tokens * count),
    )


def _total(requests: Iterable[Request]) -> int:
    return sum(len(request.numbers) for request in requests)


def _samples(reply: Sample, answers: Sequence[str | None]) -> Iterator[Sample]:
    """An answer that was not given is an empty text: invalid, and no part of any diversity."""
    fault = reply.finish_reason if reply.finish_reason in NO_ANSWER else MALFORMED
    for place, answer in enumerate(answers):
        yield Sample(
            prompt=reply.prompt,
            index=reply.index * len(answers) + place,
            text=answer or "",
            finish_reason="stop" if answer else fault,
        )


def _responses(reply: str) -> list[Any]:
    text = reply.strip()
    fenced = _FENCED.fullmatch(text)
    try:
        data = json.loads(fenced[1] if fenced else text, object_pairs_hook=_unambiguous)
    except (ValueError, RecursionError) as error:
        raise MalformedReplyError(f"not JSON: {error}") from None
    if not isinstance(data, dict) or not isinstance(data.get("responses"), list):
        raise MalformedReplyError('no object with a list of "responses"')
    found: list[Any] = data["responses"]
    return found


def _unambiguous(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(dict(pairs)) < len(pairs):
        raise ValueError("a key stands twice")
    return dict(pairs)


def _answer(found: Any) -> str | None:
    match found:
        case {"text": str(text), "probability": int() | float() as probability}:
            known = not isinstance(probability, bool) and 0 <= probability <= 1
            return text if known and text.strip() else None
    return None
