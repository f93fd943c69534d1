"""One request, sent once: what came of it, as a value.

Nothing here is raised while a key is at hand: frames of the HTTP library hold what is sent, and
pytest shows the variables of every frame that an error has passed.
"""

from __future__ import annotations

import logging
from contextvars import ContextVar
from importlib.util import find_spec
from typing import NamedTuple
from urllib.parse import urlsplit
from urllib.request import getproxies

import anyio
import httpx2

from pytest_diversity.config.server import Endpoint
from pytest_diversity.errors import ConfigError
from pytest_diversity.sampling.engines.openai.address import Address, is_host
from pytest_diversity.sampling.engines.openai.credentials import Credentials

__all__ = ["Failure", "Reply", "connect", "exchange"]

_CONNECT = 10.0  # seconds; a host that is there accepts a connection at once
_LARGEST = 64 * 2**20  # bytes; an answer of a million tokens is smaller
_HEADERS = {
    "Content-Type": "application/json",
    "Accept": "application/json",
    "Accept-Encoding": "identity",  # a small reply that unpacks to a large one is no use here
    "User-Agent": "pytest-diversity",
}
_LOGGERS = ("httpx2", *(f"httpcore2.{name}" for name in ("connection", "http11", "proxy", "socks")))
_sending: ContextVar[bool] = ContextVar("_sending", default=False)


class Reply(NamedTuple):
    """What a server sent, whatever it means by it."""

    status: int
    phrase: str
    body: bytes
    retry_after: str | None


class Failure(NamedTuple):
    """Why there is no reply.

    Attributes:
        said: What the network says, without keys.
        late: Whether there was just none in time.
        passing: Whether it may be another matter when it is tried again.
    """

    said: str
    late: bool = False
    passing: bool = True


def connect(address: Address, server: Endpoint) -> httpx2.AsyncClient:
    """A client that has connected to nothing yet, and knows no key.

    Raises:
        ConfigError: The environment says how to connect in a way that nobody can.
    """
    outside = not address.is_loopback  # a proxy does not know this machine
    if outside and (problem := _proxy_problem()):
        raise ConfigError(problem, fix="change or unset it")
    try:
        client = httpx2.AsyncClient(
            headers=_HEADERS,
            trust_env=outside,
            follow_redirects=False,
            timeout=httpx2.Timeout(None, connect=min(_CONNECT, server.timeout)),
            limits=httpx2.Limits(max_connections=server.concurrency),
        )
    except Exception as error:  # noqa: BLE001 - whatever it is, it may quote a proxy's password
        failed = type(error).__name__
    else:
        for name in _LOGGERS:  # their records hold headers, which a server may have filled
            logging.getLogger(name).addFilter(_is_of_others)
        return client
    raise ConfigError(
        f"no connection to the server {address.url} can be prepared: {failed}",
        fix="look at SSL_CERT_FILE, SSL_CERT_DIR and the proxies in the environment",
    )


async def exchange(
    client: httpx2.AsyncClient,
    url: str,
    content: bytes | None,
    credentials: Credentials,
    seconds: float,
) -> Reply | Failure:
    """Send one request and read the whole reply.

    Args:
        client: That of `connect`.
        url: Where to.
        content: What is posted; None to get instead.
        credentials: What is sent with it.
        seconds: How long all of it may take.
    """
    token = _sending.set(True)
    try:
        with anyio.fail_after(seconds):
            return await _sent(client, url, content, credentials)
    except (TimeoutError, httpx2.TimeoutException):
        return Failure("no answer in time", late=True)
    except httpx2.TransportError as error:
        cause = error.__cause__ or error
        said = credentials.masked(str(cause)) or type(cause).__name__
        return Failure(said)
    except Exception as error:  # noqa: BLE001 - whatever it is, its frames hold the key
        return Failure(type(error).__name__, passing=False)
    finally:
        _sending.reset(token)


async def _sent(
    client: httpx2.AsyncClient, url: str, content: bytes | None, credentials: Credentials
) -> Reply | Failure:
    method = "GET" if content is None else "POST"
    body = bytearray()
    async with client.stream(method, url, content=content, headers=credentials.headers()) as reply:
        async for chunk in reply.aiter_bytes():
            body += chunk
            if len(body) > _LARGEST:
                return Failure(f"its reply has more than {_LARGEST >> 20} MiB", passing=False)
        return Reply(
            reply.status_code,
            reply.reason_phrase,
            bytes(body),
            reply.headers.get("retry-after"),
        )


def _is_of_others(_: logging.LogRecord) -> bool:
    return not _sending.get()


def _proxy_problem() -> str | None:
    """What is wrong with a proxy in the environment; it may hold a password, and is not shown."""
    for name in ("http", "https", "all"):
        url = getproxies().get(name)
        problem = _wrong(url if "://" in url else f"http://{url}") if url else None
        if problem:
            return f"the proxy of {name.upper()}_PROXY in the environment {problem}"
    return None


def _wrong(url: str) -> str | None:
    if not is_host(url):
        return "has no host or port that can be connected to"
    scheme = urlsplit(url).scheme
    if scheme not in {"http", "https", "socks5", "socks5h"}:
        return "has an unknown scheme: http, https and socks5 are known"
    if scheme.startswith("socks") and find_spec("socksio") is None:
        return "needs the package 'socksio' (pip install socksio), which is not installed"
    return None
