"""What is asked of a server before it is trusted: does it sample at all?

Real servers answer with HTTP 200 and greedy text, drop `n`, or ignore the seed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pytest_diversity.config.values import Generation
from pytest_diversity.errors import CheckpointError
from pytest_diversity.sampling.engines.openai.client import Client, RefusedError
from pytest_diversity.sampling.engines.openai.repeating import check_crowd, claim, unrepeated
from pytest_diversity.sampling.engines.openai.reply import (
    NEUTRAL,
    SEED_BITS,
    Answer,
    Question,
    sends,
)
from pytest_diversity.sampling.seeds import sample_seed

__all__ = ["NOT_TAKEN", "Probe", "greet", "probe"]

# Even a model that says little else has no favourite here.
_TEXT = "Write one line of forty random letters and digits."
_TOKENS, _MORE = 32, 64  # of a text, and of one that must repeat: roundings part texts late
_SEEDS = tuple(sample_seed(0, _TEXT, number, SEED_BITS) for number in range(4))
_CHOICES = 2
_NOBODY = "no-model-has-this-name"
_SAYS = "top_k, min_p and penalties are the server's own: see docs/servers.md"
_OF_THE_API = ("temperature", "top_p")
NOT_TAKEN = (400, 422, 500, 501)  # what servers answer to a field that they do not take


@dataclass(frozen=True, slots=True)
class Probe:
    """What a server turned out to do.

    Attributes:
        model: The name under which the model is asked.
        repeats: Whether a seed gives the same text again.
        choices: Whether it gives as many choices as `n` says; not relied on.
        logprobs: Whether it gives log-probabilities.
        neutral: Fields with which it is told to change no probabilities.
        alike: What was seen of a seed's text among other requests, and what the server says of it;
            empty where that is not asked for.
    """

    model: str
    repeats: bool
    choices: bool
    logprobs: bool
    neutral: Mapping[str, float]
    alike: str = ""

    def __str__(self) -> str:
        """One line for a person."""
        beyond = [name for name in self.neutral if name not in _OF_THE_API]
        left = [name for name in _OF_THE_API if name not in self.neutral]
        return (
            f"the server samples {self.model}: "
            f"seeds {'repeat' if self.repeats else 'do not repeat'}{self.alike}, "
            f"n is {'honoured' if self.choices else 'ignored'}, "
            f"log-probabilities are {'given' if self.logprobs else 'not given'}; "
            + (f"{', '.join(beyond)} set to neutral" if beyond else _SAYS)
            + (f"; {', '.join(left)} left out where neutral" if left else "")
        )


async def probe(client: Client, *, deterministic: bool = False) -> Probe:
    """Find the model and see that it samples.

    Args:
        client: The server.
        deterministic: Whether a seed must give the same text, alone and among other requests.

    Raises:
        CheckpointError: The server has no such model, its texts do not depend on the seed, or they
            depend on more.
        SamplingError: It cannot be asked.
    """
    model = await _model(client)
    said = await claim(client) if deterministic else ""
    neutral = await _neutral(client, model)
    generation = Generation(max_tokens=_MORE if deterministic else _TOKENS)
    questions = [Question(_TEXT, seed, generation, neutral=neutral) for seed in _SEEDS]
    first = await _first(client, model, questions[0])
    # One after the other: some servers have one random generator for all requests.
    texts = [first.said, *[await _text(client, model, question) for question in questions[1:]]]
    _check(client, texts)
    repeats = await _text(client, model, questions[0]) == first.said
    alike = ""
    if deterministic:
        if not repeats:
            raise unrepeated(client, "a seed gave another text when it was asked again alone")
        seen = await check_crowd(client, model, questions, texts)
        alike = f", alone and among others ({seen}; {said})"
    return Probe(
        model=model,
        repeats=repeats,
        choices=await _gives_choices(client, model, questions[0]),
        logprobs=first.logprob is not None,
        neutral=neutral,
        alike=alike,
    )


async def greet(client: Client, *, deterministic: bool) -> str:
    """Find the model and have it say one token, which shows that the key is taken, too.

    Returns:
        The model's name, and what the server says of determinism, where it must be.

    Raises:
        CheckpointError: The server has no such model, or says that it is not deterministic.
        SamplingError: It cannot be asked.
    """
    model = await _model(client)
    await client.ask(model, Question(_TEXT, _SEEDS[0], Generation(max_tokens=1)))
    if not deterministic:
        return model
    return f"{model}; {await claim(client)}, and is tried when it is drawn from"


def _check(client: Client, texts: list[str]) -> None:
    if not any(texts):
        raise CheckpointError(
            f"the server {client.address.url} gives empty texts",
            fix="turn its reasoning off with the checkpoint's body, or set its api",
        )
    if len(set(texts)) == 1:
        raise CheckpointError(
            f"the server {client.address.url} does not sample: {len(texts)} seeds at "
            "temperature 1 gave the same text",
            fix="make it sample; for transformers serve set body = { generation_config = ... } "
            "as docs/servers.md says",
        )


async def _model(client: Client) -> str:
    wanted, served = client.address.model, await client.models()
    names = ", ".join(served[:10]) + (", ..." if len(served) > 10 else "")
    if wanted is None:
        if len(served) == 1:
            return served[0]
        raise CheckpointError(
            f"the URL {client.address.url} names no model",
            fix=f"append #MODEL: it has {names}" if served else "append #MODEL",
        )
    if not served or wanted in served:
        return wanted
    # The list may be of something else, such as a cache; then names still mean something.
    if await _knows(client, _NOBODY) or not await _knows(client, wanted):
        raise CheckpointError(
            f"the server {client.address.url} has no model {wanted!r}", fix=f"it has {names}"
        )
    return wanted


async def _neutral(client: Client, model: str) -> Mapping[str, float]:
    """Those fields, each asked for alone, that the server does not refuse."""
    taken: dict[str, float] = {}
    for name, value in NEUTRAL:
        asked = sends(client.server, name) and name not in taken
        if asked and await _takes(client, model, {name: value}):
            taken[name] = value
    return taken


async def _takes(client: Client, model: str, field: Mapping[str, float]) -> bool:
    question = Question(_TEXT, _SEEDS[0], Generation(max_tokens=1), neutral=field)
    for at_once in (True, False):  # again where another trouble stood in the way of an answer
        try:
            return bool(await client.ask(model, question, at_once=at_once))
        except RefusedError as error:
            if error.status in NOT_TAKEN:
                return False
            if not at_once:
                raise
    return False


async def _knows(client: Client, model: str) -> bool:
    question = Question(_TEXT, _SEEDS[0], Generation(max_tokens=1))
    try:
        return bool(await client.ask(model, question, at_once=True))
    except RefusedError:
        return False


async def _first(client: Client, model: str, question: Question) -> Answer:
    """The first seed's answer, with its log-probability if the server takes the question."""
    question = question._replace(logprobs=True)
    try:
        return (await client.ask(model, question, at_once=True))[0]
    except RefusedError as error:
        taken = error.status not in NOT_TAKEN
    return (await client.ask(model, question._replace(logprobs=taken)))[0]


async def _text(client: Client, model: str, question: Question) -> str:
    return (await client.ask(model, question))[0].said


async def _gives_choices(client: Client, model: str, question: Question) -> bool:
    question = question._replace(choices=_CHOICES)
    try:
        return len(await client.ask(model, question, at_once=True)) == _CHOICES
    except RefusedError:
        return False
