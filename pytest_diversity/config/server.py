"""How a server is spoken to, as a frozen value."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pytest_diversity.config.checks import check_passed, shown
from pytest_diversity.errors import ConfigError, did_you_mean

__all__ = ["SETTINGS", "Allowance", "Endpoint", "is_server"]

_FIXED = ("model", "messages", "prompt", "n", "stream")  # what makes a request one
_OF_THE_API = ("seed", "temperature", "top_p", "max_tokens", "stop", "logprobs", "top_logprobs")
# Fields that a server can be told to do without, or calls otherwise.
SETTINGS = (*_OF_THE_API, "top_k", "min_p", "repetition_penalty", "repeat_penalty")
# What the run says; `max_completion_tokens` would say one of them twice.
_SENT = {*_FIXED, *_OF_THE_API, "max_completion_tokens"}
_OUR_HEADERS = {
    *("authorization", "content-type", "content-length", "host", "connection"),
    *("accept-encoding", "transfer-encoding"),
}


@dataclass(slots=True)
class Allowance:
    """How many requests may be sent, those that are repeated included.

    Attributes:
        most: So many.
        sent: So many were.
    """

    most: int
    sent: int = 0

    def take(self) -> bool:
        """Whether one more may be sent; it is counted."""
        allowed = self.sent < self.most
        self.sent += allowed
        return allowed


@dataclass(frozen=True, slots=True)
class Endpoint:
    """How a checkpoint's server is spoken to; all up to `rename` is part of its samples' key.

    Attributes:
        api: `chat`, or `completions` for models without a chat template.
        body: Fields of each request beside those of the OpenAI API.
        send: The only ones of `SETTINGS` that a request names; all if empty.
        omit: Those that it does not name.
        rename: The server's names for those that it calls otherwise.
        api_key_env: The environment variable that holds the key; `OPENAI_API_KEY` if None.
        headers_env: Further headers, and the environment variables that hold their values.
        concurrency: The most requests at a time.
        requests_per_minute: The most requests a minute; 0 sets no limit.
        retries: How often a request is repeated that was lost, or answered with 429 or 5xx.
        timeout: The longest wait for a whole answer, in seconds.
        allowance: What bounds the requests that draw, not those that probe; None for no bound.
    """

    api: str = "chat"
    body: Mapping[str, Any] = field(default_factory=dict)
    send: tuple[str, ...] = ()
    omit: tuple[str, ...] = ()
    rename: Mapping[str, str] = field(default_factory=dict)
    # Not shown: a key may stand where its variable's name should.
    api_key_env: str | None = field(default=None, repr=False)
    headers_env: Mapping[str, str] = field(default_factory=dict, repr=False)
    concurrency: int = 16
    requests_per_minute: float = 0.0
    retries: int = 5
    timeout: float = 300.0
    allowance: Allowance | None = field(default=None, compare=False, repr=False)

    def __post_init__(self) -> None:
        """Refuse a body that is not JSON or says what the run says, and a key in the file."""
        check_passed("body", self.body, _SENT, "docs/servers.md")
        _check_fields(self)
        _check_headers(self.headers_env)
        if self.api_key_env is not None:
            _check_variable("api_key_env", self.api_key_env)


def _check_fields(server: Endpoint) -> None:
    """Refuse what cannot be left out or renamed, and two fields under one name."""
    if server.send and server.omit:
        raise ConfigError("send and omit say the same thing twice", fix="remove one of them")
    for key, names in (("send", server.send), ("omit", server.omit), ("rename", server.rename)):
        for name in names:
            if name not in SETTINGS:
                raise ConfigError(
                    f"{key} cannot hold {shown(name)}", fix=did_you_mean(str(name), SETTINGS)
                )
    taken = {*SETTINGS, *_FIXED, *server.body} - server.rename.keys()
    for name, other in server.rename.items():
        if not isinstance(other, str) or not other or other in taken:
            raise ConfigError(
                f"rename cannot call {name!r} {shown(other)}", fix="choose a name of its own"
            )
        taken.add(other)


def _check_headers(headers: Mapping[str, Any]) -> None:
    for name, variable in headers.items():
        if not re.fullmatch(r"[A-Za-z][A-Za-z0-9-]*", name) or name.lower() in _OUR_HEADERS:
            raise ConfigError(
                "headers_env holds what is no header of its own",
                fix='write { "OpenAI-Organization" = "OPENAI_ORG_ID" }',
            )
        _check_variable("headers_env", variable)


def _check_variable(key: str, name: object) -> None:
    """Refuse what may be the key itself, which is not shown."""
    if not isinstance(name, str) or not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name):
        raise ConfigError(
            f"{key} is not the name of an environment variable",
            fix="put the key into the environment, and its variable's name here",
        )


def is_server(source: str) -> bool:
    """Whether `source` is the URL of an inference server."""
    return re.match(r"https?://", source, re.IGNORECASE) is not None
