"""Requests to one server, each answered, or explained in one sentence."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Any, Self

import anyio
import openai

from pytest_diversity.config.values import Endpoint
from pytest_diversity.errors import ConfigError, SamplingError
from pytest_diversity.sampling.engines.openai.address import Address
from pytest_diversity.sampling.engines.openai.reply import (
    Answer,
    Question,
    read_answers,
    read_models,
)

__all__ = ["Client", "RefusedError"]

_KEY = "OPENAI_API_KEY"
_CONNECT = 10.0  # seconds; a host that is there accepts a connection at once


class RefusedError(SamplingError):
    """A request that the server did not answer with a completion.

    Attributes:
        status: Of HTTP; None where there was no answer at all.
    """

    status: int | None = None


class Client:
    """A connection to a server, to be entered in the event loop that uses it."""

    def __init__(self, address: Address, server: Endpoint) -> None:
        """Connect to nothing yet.

        Raises:
            ConfigError: The environment does not have the key.
        """
        self.address = address
        self.server = server
        self._key = _key(address, server)

    async def __aenter__(self) -> Self:
        pace = _Pace(self.server.requests_per_minute)
        self._client = openai.AsyncOpenAI(
            base_url=self.address.url,
            api_key=self._key or "none",
            max_retries=self.server.retries,
            timeout=openai.Timeout(self.server.timeout, connect=min(_CONNECT, self.server.timeout)),
            http_client=openai.DefaultAsyncHttpxClient(
                trust_env=not self.address.is_loopback,  # a proxy does not know this machine
                event_hooks={"request": [pace]},
            ),
        )
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._client.close()

    async def models(self) -> list[str]:
        """The names of what is served; none if the server does not say.

        Raises:
            RefusedError: The server cannot be reached, or wants a key.
        """
        try:
            return read_models(await self._send(self._at_once().models.with_raw_response.list))
        except RefusedError as error:
            if error.status in {None, 401, 403}:
                raise
            return []

    async def ask(self, model: str, question: Question, *, at_once: bool = False) -> list[Answer]:
        """The choices that the server gives.

        Args:
            model: The model's name.
            question: What is asked.
            at_once: Ask a single time, whatever happens.

        Raises:
            RefusedError: It did not answer with a completion, however often it was asked.
            SamplingError: Its answer cannot be read.
        """
        client = self._at_once() if at_once else self._client
        api = client.chat.completions if self.server.api == "chat" else client.completions
        body = question.body(model, self.server)
        reply = await self._send(api.with_raw_response.create, **body)
        answers = read_answers(reply)
        if not answers:
            raise SamplingError(
                f"the server {self.address.url} answers with no completion: {self._plain(reply)!r}",
                fix="it must speak the OpenAI API; the URL mostly ends in /v1",
            )
        return answers

    def _at_once(self) -> openai.AsyncOpenAI:
        return self._client.with_options(max_retries=0)

    async def _send(self, send: Callable[..., Awaitable[Any]], **body: Any) -> str:
        with self._explained():
            response = await send(**body)
            text: str = response.http_response.text
            return text

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """Turn what the client raises into one sentence without the key.

        None of its errors is kept as a cause: they hold the request, and that holds the key.
        """
        url, server = self.address.url, self.server
        try:
            yield
        except openai.APITimeoutError:
            refused = RefusedError(
                f"the server {url} gave no answer within {server.timeout:g} s",
                fix="raise the checkpoint's timeout, or lower its concurrency",
            )
        except openai.APIConnectionError as error:
            refused = RefusedError(
                f"the server {url} cannot be reached: {self._plain(_cause(error))}",
                fix="start it, and run the same command again",
            )
        except UnicodeEncodeError:
            refused = RefusedError(
                "a prompt or a setting holds half of a surrogate pair, which has no UTF-8 form",
                fix="write the whole character",
            )
        except openai.APIStatusError as error:
            refused = RefusedError(
                f"the server {url} answers {error.status_code}: {self._plain(_reason(error))}",
                fix=_fix(error.status_code),
            )
            refused.status = error.status_code
        else:
            return
        raise refused from None

    def _plain(self, message: str) -> str:
        """One short line; servers like to repeat the key that they refuse."""
        if self._key:
            message = message.replace(self._key, "***")
        line = " ".join(message.split())
        return line if len(line) <= 300 else f"{line[:300]}..."


class _Pace:
    """Spaces all requests evenly, repeated ones too, so that no minute has more than so many."""

    def __init__(self, per_minute: float) -> None:
        self._gap = 60 / per_minute if per_minute else 0.0
        self._next = 0.0

    async def __call__(self, _: object) -> None:
        now = anyio.current_time()
        turn = max(now, self._next)
        self._next = turn + self._gap
        await anyio.sleep(turn - now)


def _key(address: Address, server: Endpoint) -> str:
    """The key from the environment; empty if there is none for this server.

    The common variable's key goes to a host on the network only if nobody can read it on the way;
    one that the configuration names goes wherever the configuration says.
    """
    if server.api_key_env is None and not address.is_private:
        return ""
    key = os.environ.get(server.api_key_env or _KEY, "").strip()
    if server.api_key_env is not None and not key:
        raise ConfigError(
            f"the server {address.url}: the environment variable of api_key_env is not set",
            fix="set it to the server's key",
        )
    if not (key.isascii() and key.isprintable()):  # the client's error would show it
        raise ConfigError(
            f"the server {address.url}: the key in the environment cannot be sent",
            fix="it must be one line of ASCII",
        )
    return key


def _fix(status: int) -> str:
    match status:
        case 401 | 403:
            return "put a key that it takes into the environment variable that api_key_env names"
        case 404:
            return "check the URL's path, which mostly is /v1, and the model's name"
        case 429:
            return "lower the checkpoint's concurrency, or set its requests_per_minute"
        case _ if status >= 500:
            return "look into its log; what was drawn is kept"
        case _:
            return "change the setting that it names"


def _cause(error: openai.APIConnectionError) -> str:
    cause = error.__cause__ or error
    return str(cause) or type(cause).__name__


def _reason(error: openai.APIStatusError) -> str:
    """What the server says, in whichever of the usual fields."""
    body = error.body
    if isinstance(body, dict):
        said = next((body[key] for key in ("message", "detail", "error") if body.get(key)), body)
        return str(said)
    return str(body or error.response.reason_phrase)
