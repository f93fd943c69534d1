"""Is a seed's text the same, whatever else a server does? `--diversity-deterministic` promises it.

A few texts cannot prove it, so that a server is also asked what it says of itself.
"""

from __future__ import annotations

from collections.abc import Sequence

from pytest_diversity.errors import CheckpointError
from pytest_diversity.sampling.engines.openai.client import Client
from pytest_diversity.sampling.engines.openai.reply import Question, sends

__all__ = ["check_crowd", "claim", "unrepeated"]

_SAYS = "it says that it is deterministic"
_UNSAID = "it does not say whether it is deterministic"
_CROWD = 16  # requests, of which every other one has a text that is known
_LONGER = 3  # times as long are the prompts of the rest, so that batches are mixed
_FIX = (
    "start SGLang with --enable-deterministic-inference, vLLM on a GPU with "
    "VLLM_BATCH_INVARIANT=1, or leave --diversity-deterministic out"
)
_SEED = "let send and omit of the checkpoint pass the seed on"


async def claim(client: Client) -> str:
    """What the server says of itself, for a person.

    Raises:
        CheckpointError: It says that it is not deterministic.
    """
    said = await client.deterministic()
    if said is False:
        raise CheckpointError(
            f"the server {client.address.url} says that it is not deterministic", fix=_FIX
        )
    return _SAYS if said else _UNSAID


async def check_crowd(
    client: Client, model: str, questions: Sequence[Question], texts: Sequence[str]
) -> str:
    """Ask again, among longer prompts, and no more at a time than when samples are drawn.

    Args:
        client: The server.
        model: The model's name.
        questions: What was asked before, one after the other.
        texts: What was answered then.

    Returns:
        What was compared, for a person.

    Raises:
        CheckpointError: A text is another one now.
        SamplingError: The server cannot be asked.
    """
    longer = [one._replace(text=" ".join([one.text] * _LONGER)) for one in questions]
    pairs = [pair for both in zip(questions, longer, strict=True) for pair in both]
    crowd = pairs * (_CROWD // len(pairs))
    said = [answer.said for answer in (await client.ask_together(model, crowd))[::2]]
    expected = list(texts) * (len(said) // len(texts))
    others = sum(one != other for one, other in zip(said, expected, strict=True))
    if others:
        raise unrepeated(client, f"{others} of {len(said)} texts were others among other requests")
    together = min(client.server.concurrency, len(crowd))
    tokens = questions[0].generation.max_tokens
    return f"{len(said)} texts of {tokens} tokens at most, {together} at a time"


def unrepeated(client: Client, what: str) -> CheckpointError:
    """The error of a server that gives a seed another text."""
    told = sends(client.server, "seed")
    return CheckpointError(
        f"the server {client.address.url} is not deterministic: {what}", fix=_FIX if told else _SEED
    )
