"""The engine of a server: one request per sample, each with a seed of its own, many at a time."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from itertools import islice
from typing import TypeVar

from anyio.from_thread import BlockingPortal, start_blocking_portal

from pytest_diversity.config.server import Endpoint
from pytest_diversity.config.values import Generation
from pytest_diversity.errors import ConfigError
from pytest_diversity.samples import Sample
from pytest_diversity.sampling.engines.openai.address import Address
from pytest_diversity.sampling.engines.openai.client import Client
from pytest_diversity.sampling.engines.openai.continuing import (
    UNKNOWN,
    check_continues,
    without_beginning,
)
from pytest_diversity.sampling.engines.openai.probe import greet, probe
from pytest_diversity.sampling.engines.openai.reply import SEED_BITS, Question, unsent
from pytest_diversity.sampling.protocol import Model, Progress, Request
from pytest_diversity.thinking import begun

__all__ = ["ServerEngine", "greeted"]

_PATIENCE = 20.0  # seconds that a first answer may take

Job = TypeVar("Job")
Result = TypeVar("Result")


class ServerEngine:
    """A model on a server that was probed.

    Attributes:
        probe: What the server turned out to do.
    """

    def __init__(
        self,
        address: Address,
        server: Endpoint,
        progress: Progress,
        *,
        deterministic: bool = False,
    ) -> None:
        """Probe the server, once.

        Raises:
            CheckpointError: It has no such model, does not sample, or not deterministically.
            SamplingError: It cannot be asked.
        """
        self._address = address
        self._server = server
        with _connected(address, server) as (portal, client):
            self.probe = portal.call(partial(probe, client, deterministic=deterministic))
        progress.say(str(self.probe))

    def sample(self, requests: Sequence[Request], progress: Progress) -> Iterator[Sample]:
        """All requested samples, each as it arrives.

        Raises:
            ConfigError: A setting was chosen that the server is not told.
            SamplingError: The server failed; what had arrived was given before.
        """
        for request in requests:
            self._check(request.generation)
        continues = any(request.prefill for request in requests) and self._server.api == "chat"
        jobs = ((request, number) for request in requests for number in request.numbers)
        told: set[str] = set()
        with _connected(self._address, self._server) as (portal, client):
            if continues and not portal.call(check_continues, client, self.probe.model):
                progress.say(UNKNOWN)

            async def draw(job: tuple[Request, int]) -> tuple[Sample, tuple[str, ...]]:
                return await self._draw(client, *job)

            for sample, odd in _as_they_finish(portal, draw, jobs, self._server.concurrency):
                for name in sorted({*odd} - told):
                    progress.say(f"the server gives {name}")
                told.update(odd)
                progress.advance(1, sample.tokens or 0)
                yield sample

    def _check(self, generation: Generation) -> None:
        name = unsent(self._server, generation)
        if name is not None:
            raise ConfigError(
                f"{name!r} is set, and send or omit keep it from the server {self._address.url}",
                fix="remove one of the two",
            )

    def swap(self, model: Model) -> bool:
        """No: another model is another server, or another name on it, to be probed anew."""
        del model
        return False

    def close(self) -> None:
        """Nothing is held: a connection lasts as long as a drawing."""

    async def _draw(
        self, client: Client, request: Request, number: int
    ) -> tuple[Sample, tuple[str, ...]]:
        seed = request.seed(number, SEED_BITS)
        found = self.probe
        question = Question(
            request.text,
            seed,
            request.generation,
            found.logprobs,
            neutral=found.neutral,
            messages=request.turns,
            prefill=request.prefill,
        )
        allowance = self._server.allowance
        answer = (await client.ask(found.model, question, within=allowance))[0]
        answer = without_beginning(answer, request.prefill)
        sample = Sample(
            prompt=request.prompt,
            index=number,
            text=begun("", request.prefill) + answer.text,
            finish_reason=answer.finish_reason,
            tokens=answer.tokens,
            logprob=answer.logprob,
            thought=answer.thought or None,
        )
        return sample, answer.odd


def greeted(address: Address, server: Endpoint, *, deterministic: bool) -> str:
    """The name of the model, of a server that answers to it, and what it says of determinism.

    Raises:
        CheckpointError: It has no such model, or says that it is not deterministic.
        SamplingError: It cannot be reached, or refuses what it is asked.
    """
    soon = replace(server, timeout=min(server.timeout, _PATIENCE), retries=0)
    with _connected(address, soon) as (portal, client):
        return portal.call(partial(greet, client, deterministic=deterministic))


@contextmanager
def _connected(address: Address, server: Endpoint) -> Iterator[tuple[BlockingPortal, Client]]:
    """An event loop in a thread of its own, since the caller's may have one that runs."""
    client = Client(address, server)
    with start_blocking_portal() as portal, portal.wrap_async_context_manager(client):
        yield portal, client


def _as_they_finish(
    portal: BlockingPortal,
    work: Callable[[Job], Awaitable[Result]],
    jobs: Iterable[Job],
    limit: int,
) -> Iterator[Result]:
    """The result of `work` on each job, at most `limit` at a time.

    Where one fails, those that are done are given before it is raised, and the others end at once.
    """
    rest = iter(jobs)
    pending = {portal.start_task_soon(work, job) for job in islice(rest, limit)}
    try:
        while pending:
            done, pending = wait(pending, return_when=FIRST_COMPLETED)
            if not any(map(_has_failed, done)):  # what is asked now would be paid for in vain
                pending |= {portal.start_task_soon(work, job) for job in islice(rest, len(done))}
            yield from (future.result() for future in sorted(done, key=_has_failed))
    finally:
        for future in pending:
            future.cancel()


def _has_failed(future: Future[Result]) -> bool:
    return future.exception() is not None
