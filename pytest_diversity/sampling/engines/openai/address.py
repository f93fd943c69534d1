"""Where a served model is: `http://host:port/v1#model`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Self
from urllib.parse import urlsplit

from pytest_diversity.errors import CheckpointError

__all__ = ["Address"]


@dataclass(frozen=True, slots=True)
class Address:
    """The URL of a server, and the name of a model there.

    Attributes:
        url: What the API's paths are appended to.
        model: The model's name, None for the only one that is served.
    """

    url: str
    model: str | None

    @classmethod
    def parse(cls, source: str) -> Self:
        """Read a source; nothing is contacted.

        Raises:
            CheckpointError: It has no host or no valid port, or holds a password, which a report
                would show; it is not in the message either.
        """
        url, _, model = source.partition("#")
        if "@" in url or "?" in url:
            raise CheckpointError(
                "the URL of a server must hold neither user:password@ nor a query",
                fix="put the key into the environment variable OPENAI_API_KEY",
            )
        try:
            parts = urlsplit(url)
            known = bool(parts.hostname) and parts.port != 0
        except ValueError:
            known = False
        if not known:
            raise CheckpointError(
                f"{source!r} is not the URL of a server", fix="write http://host:port/v1#model"
            )
        return cls(url.rstrip("/"), model or None)

    def __str__(self) -> str:
        """As it was written."""
        return f"{self.url}#{self.model}" if self.model else self.url

    @property
    def place(self) -> str:
        """Host and port, as a part of a file's name."""
        return re.sub(r"[^\w.-]", "-", urlsplit(self.url).netloc)

    @property
    def is_loopback(self) -> bool:
        """Whether it is on this machine, where no proxy stands between."""
        host = urlsplit(self.url).hostname or ""
        try:
            return ip_address(host).is_loopback
        except ValueError:
            return host == "localhost" or host.endswith(".localhost")

    @property
    def is_private(self) -> bool:
        """Whether nobody on the way can read what is sent."""
        return self.is_loopback or self.url.lower().startswith("https:")
