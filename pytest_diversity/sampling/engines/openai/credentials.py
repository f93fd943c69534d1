"""What a server is sent and nobody is shown: keys, which stay in the environment until then."""

from __future__ import annotations

import os
from base64 import b64encode
from collections.abc import Iterator, Mapping
from typing import Self
from urllib.parse import quote

from pytest_diversity.config.server import Endpoint
from pytest_diversity.errors import ConfigError
from pytest_diversity.sampling.engines.openai.address import Address

__all__ = ["Credentials"]

_KEY = "OPENAI_API_KEY"
_PART = 6  # characters of a key that may be shown in a row, less one
_TOLD = 16  # characters of a key in a row that no text holds by chance


class Credentials:
    """The variables of the environment that are sent to one server.

    It holds their names alone, and nothing that it raises comes from a frame with a value: what
    pytest shows of a frame's variables is never a key. The names are not shown either, for a key
    may stand in the place of its variable's name.
    """

    __slots__ = ("_variables",)

    def __init__(self, variables: Mapping[str, str]) -> None:
        """Hold the name of a variable for each header."""
        self._variables = variables

    @classmethod
    def of(cls, address: Address, server: Endpoint) -> Self:
        """Those of a server that is spoken to as `server` says.

        The common variable's key goes to a host on the network only if nobody can read it on the
        way; one that the configuration names goes wherever the configuration says.

        Raises:
            ConfigError: The environment does not have one that is named, or it cannot be sent.
        """
        if problem := _problem(address, server):
            raise ConfigError(f"the server {address.url}: {problem[0]}", fix=problem[1])
        return cls(_variables(address, server))

    def __repr__(self) -> str:
        """How many there are."""
        return f"<Credentials: {len(self._variables)}>"

    def headers(self) -> dict[str, str]:
        """The headers with their values, for the moment of sending alone."""
        return {
            header: f"Bearer {_value(variable)}" if header == "Authorization" else _value(variable)
            for header, variable in self._variables.items()
        }

    def masked(self, text: str) -> str:
        """`text` with `***` for each part of a key: servers repeat what they refuse."""
        hidden = {place for form in self._forms() for place in _places(text, form)}
        return "".join(
            ("***" if place - 1 not in hidden else "") if place in hidden else character
            for place, character in enumerate(text)
        )

    def are_in(self, text: str) -> bool:
        """Whether `text` repeats a key, or a long part of one."""
        return any(
            form[start : start + _TOLD] in text
            for form in self._forms()
            for start in range(len(form) - _TOLD + 1)
        )

    def _forms(self) -> Iterator[str]:
        for variable in self._variables.values():
            value = _value(variable)
            yield value
            if len(value) >= _PART:
                yield quote(value, safe="")
                # wherever it begins in what is encoded, such as behind `Bearer `
                yield from (b64encode(b" " * n + value.encode()).decode()[4:-4] for n in range(3))


def _variables(address: Address, server: Endpoint) -> dict[str, str]:
    variables = {**server.headers_env}
    if server.api_key_env is not None:
        variables["Authorization"] = server.api_key_env
    elif address.is_private and _value(_KEY):
        variables["Authorization"] = _KEY
    return variables


def _problem(address: Address, server: Endpoint) -> tuple[str, str] | None:
    """What is wrong with what the environment holds, and the fix; returned, not raised."""
    for header, variable in _variables(address, server).items():
        if not _value(variable):
            where = "headers_env" if header in server.headers_env else "api_key_env"
            said = f"the environment variable of {where} is not set"
            return said, "set it to the server's key"
        if not _can_be_sent(variable):
            said = "the key in the environment cannot be sent"
            return said, "it must be one line of ASCII"
    return None


def _places(text: str, form: str) -> Iterator[int]:
    """Where in `text` parts of `form` are."""
    size = min(_PART, len(form))
    for start in range(len(form) - size + 1 if size else 0):
        part = form[start : start + size]
        found = text.find(part)
        while found >= 0:
            yield from range(found, found + size)
            found = text.find(part, found + 1)


def _value(variable: str) -> str:
    return os.environ.get(variable, "").strip()


def _can_be_sent(variable: str) -> bool:
    value = _value(variable)
    return value.isascii() and value.isprintable()
