"""Requests to one server, each answered, or explained in one sentence."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Sequence
from contextlib import suppress
from email.utils import parsedate_to_datetime
from time import time
from types import TracebackType
from typing import Any, NamedTuple, Self, TypeAlias, TypeVar

import anyio

from pytest_diversity.config.server import Allowance, Endpoint
from pytest_diversity.errors import SamplingError
from pytest_diversity.sampling.engines.openai.address import Address
from pytest_diversity.sampling.engines.openai.credentials import Credentials
from pytest_diversity.sampling.engines.openai.reply import (
    Answer,
    Question,
    UnusableReplyError,
    read_answers,
    read_deterministic,
    read_models,
    read_reason,
)
from pytest_diversity.sampling.engines.openai.transport import Failure, Reply, connect, exchange

__all__ = ["Client", "RefusedError"]

_OK = 200
_PAGES = ("/server_info", "/get_server_info")  # the second is SGLang's older name
_REDIRECTS = range(300, 400)
_PASSING = {408, 409, 429}  # and all from 500: asked again, the server may answer
_FIRST, _LONGEST = 0.5, 8.0  # seconds between two tries
_PATIENCE = 120.0  # seconds that a server may say to wait
_SHOWN = 300  # characters of what a server says
_READ = 4000  # of which so many are looked at

Item = TypeVar("Item")
_Read: TypeAlias = Callable[[bytes], list[Item]]


class RefusedError(SamplingError):
    """A request that the server did not answer with what was asked for.

    Attributes:
        status: Of HTTP; None where there was no answer at all.
    """

    status: int | None = None


class _Trouble(NamedTuple):
    """Why a request was not answered; `wait` is how long the server says to wait."""

    said: str
    fix: str
    status: int | None = None
    passing: bool = False
    wait: float | None = None


class Client:
    """A connection to a server, to be entered in the event loop that uses it."""

    def __init__(self, address: Address, server: Endpoint) -> None:
        """Connect to nothing yet.

        Raises:
            ConfigError: The environment does not have the key, or no proxy that can be used.
        """
        self.address = address
        self.server = server
        self._credentials = Credentials.of(address, server)
        self._http = connect(address, server)

    async def __aenter__(self) -> Self:
        self._pace = _Pace(self.server.requests_per_minute)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with suppress(Exception):  # how a connection ends is nobody's concern
            await self._http.aclose()

    async def models(self) -> list[str]:
        """The names of what is served; none if the server does not say.

        Raises:
            RefusedError: The server cannot be reached, or wants a key.
        """
        try:
            url = f"{self.address.url}/models"
            return await self._request(url, None, read_models, at_once=True)
        except RefusedError as error:
            if error.status in {None, 401, 403}:
                raise
            return []

    async def ask(
        self,
        model: str,
        question: Question,
        *,
        at_once: bool = False,
        within: Allowance | None = None,
    ) -> list[Answer]:
        """The choices that the server gives, all of them finished; at least one.

        Args:
            model: The model's name.
            question: What is asked.
            at_once: Ask a single time, whatever happens.
            within: What bounds the requests, those that are repeated included.

        Raises:
            RefusedError: It did not answer with a completion, however often it was asked.
            SamplingError: The question cannot be sent.
        """
        path = "/chat/completions" if self.server.api == "chat" else "/completions"
        url, content = self.address.url + path, _encoded(question.body(model, self.server))
        return await self._request(url, content, read_answers, at_once=at_once, within=within)

    async def ask_together(self, model: str, questions: Sequence[Question]) -> list[Answer]:
        """The first choice for each question, in their order, as many at a time as may be.

        Raises:
            SamplingError: What `ask` raises first; the others are given up.
        """
        answers: dict[int, Answer] = {}
        limit = anyio.CapacityLimiter(self.server.concurrency)

        async def ask(place: int, question: Question) -> None:
            async with limit:
                answers[place] = (await self.ask(model, question))[0]

        try:
            async with anyio.create_task_group() as group:
                for place, question in enumerate(questions):
                    group.start_soon(ask, place, question)
        except ExceptionGroup as failed:
            raise failed.exceptions[0] from None
        return [answers[place] for place in range(len(questions))]

    async def deterministic(self) -> bool | None:
        """Whether the server says that a seed's text is the same whatever else it does.

        SGLang has a page that says so, and vLLM where it shows its development pages; None where
        nothing is said.
        """
        for page in _PAGES:
            with suppress(RefusedError):
                url = self.address.root + page
                for said in await self._request(url, None, read_deterministic, at_once=True):
                    return said
        return None

    async def _request(
        self,
        url: str,
        content: bytes | None,
        read: _Read[Item],
        *,
        at_once: bool,
        within: Allowance | None = None,
    ) -> list[Item]:
        outcome = await self._once(url, content, read, within)
        for number in range(0 if at_once else self.server.retries):
            if not isinstance(outcome, _Trouble) or not outcome.passing:
                break
            await anyio.sleep(_backoff(number) if outcome.wait is None else outcome.wait)
            outcome = await self._once(url, content, read, within)
        if not isinstance(outcome, _Trouble):
            return outcome
        refused = RefusedError(f"the server {self.address.url} {outcome.said}", fix=outcome.fix)
        refused.status = outcome.status
        raise refused

    async def _once(
        self, url: str, content: bytes | None, read: _Read[Item], within: Allowance | None
    ) -> list[Item] | _Trouble:
        if within is not None and not within.take():
            said = f"was asked {within.most} times, repeated requests included"
            return _Trouble(said, "raise max_calls")
        await self._pace()
        timeout = self.server.timeout
        reply = await exchange(self._http, url, content, self._credentials, timeout)
        if isinstance(reply, Failure):
            return self._unreached(reply)
        if reply.status != _OK:
            return self._refused(reply)
        try:
            found = read(reply.body)
        except UnusableReplyError as error:
            return self._unusable(str(error), reply)
        if self._credentials.are_in(str(found)):
            return _Trouble("repeats the key that it was sent", "its answers are not stored")
        return found

    def _unreached(self, failure: Failure) -> _Trouble:
        if failure.late:
            return _Trouble(
                f"gave no answer within {self.server.timeout:g} s",
                "raise the checkpoint's timeout, or lower its concurrency",
                passing=True,
            )
        return _Trouble(
            f"cannot be reached: {_line(failure.said)}",
            "start it, and run the same command again",
            passing=failure.passing,
        )

    def _refused(self, reply: Reply) -> _Trouble:
        status = reply.status
        said = self._masked(read_reason(_text(reply.body)) or reply.phrase)
        return _Trouble(
            f"answers {status}: {_line(said)}",
            _fix(status),
            status,
            passing=status in _PASSING or status >= 500,
            wait=_wait(reply.retry_after),
        )

    def _unusable(self, why: str, reply: Reply) -> _Trouble:
        return _Trouble(
            f"answers with {why}: {_line(self._masked(_text(reply.body)))!r}",
            "it must speak the OpenAI API; the URL mostly ends in /v1",
            _OK,
            passing=True,
        )

    def _masked(self, said: str) -> str:
        return self._credentials.masked(said[:_READ])


class _Pace:
    """Spaces all requests evenly, repeated ones too, so that no minute has more than so many."""

    def __init__(self, per_minute: float) -> None:
        self._gap = 60 / per_minute if per_minute else 0.0
        self._next = 0.0

    async def __call__(self) -> None:
        now = anyio.current_time()
        turn = max(now, self._next)
        self._next = turn + self._gap
        await anyio.sleep(turn - now)


def _encoded(body: dict[str, Any]) -> bytes:
    text = json.dumps(body, ensure_ascii=False, allow_nan=False)
    with suppress(UnicodeEncodeError):
        return text.encode()
    raise SamplingError(
        "a prompt or a setting holds half of a surrogate pair, which has no UTF-8 form",
        fix="write the whole character",
    )


def _text(body: bytes) -> str:
    return body[: 4 * _READ].decode(errors="replace")


def _line(said: str) -> str:
    """One short line."""
    line = " ".join(said.split())
    return line if len(line) <= _SHOWN else f"{line[:_SHOWN]}..."


def _backoff(number: int) -> float:
    """Doubled with each try, and never the same for two requests that failed together."""
    doubled = _FIRST * 2.0 ** min(number, 10)
    return min(_LONGEST, doubled) * random.uniform(0.75, 1)  # noqa: S311 - no secret


def _wait(said: str | None) -> float | None:
    """The seconds of a `Retry-After`, if they can be waited for."""
    if said is None:
        return None
    with suppress(ValueError, OverflowError):
        return _patient(float(said))
    with suppress(ValueError, OverflowError):
        return _patient(parsedate_to_datetime(said).timestamp() - time())
    return None


def _patient(seconds: float) -> float | None:
    return seconds if 0 <= seconds <= _PATIENCE else None


def _fix(status: int) -> str:
    match status:
        case 401 | 403:
            return "put a key that it takes into the environment variable that api_key_env names"
        case 404:
            return "check the URL's path, which mostly is /v1, and the model's name"
        case 429:
            return "lower the checkpoint's concurrency, or set its requests_per_minute"
        case _ if status in _REDIRECTS:
            return "write the URL that it sends to; no key follows a redirect"
        case _ if status >= 500:
            return "look into its log"
        case _:
            return "change the setting that it names, or leave it out with omit"
