"""Where a served model is: `http://host:port/v1#model`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Self
from urllib.parse import urlsplit

from pytest_diversity.errors import CheckpointError

__all__ = ["Address", "is_host"]

# Plain ASCII alone: what is read is what is contacted, whatever a library makes of other letters.
_LABEL = r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
_HOST = re.compile(rf"{_LABEL}(?:\.{_LABEL})*\.?")
_LONGEST = 254  # characters of a name, less one
_BRACKETED = re.compile(r"(?:^|@)\[([0-9A-Fa-f:.]+)\](?::\d*)?$")
_URL = re.compile(
    r"https?://[A-Za-z0-9_.:\[\]-]+(?:/[A-Za-z0-9._~!$&'()*+,;=:%/-]*)?", re.IGNORECASE
)


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
        if not _is_url(url) or not model.isprintable():
            raise CheckpointError(
                f"{source!a} is not the URL of a server",
                fix="write http://host:port/v1#model, a host of another script as xn--...",
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
    def root(self) -> str:
        """What the paths of pages beside the API are appended to."""
        return self.url.removesuffix("/v1")

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


def is_host(url: str) -> bool:
    """Whether a URL has a host and, if any, a port that can be connected to."""
    try:
        parts = urlsplit(url)
        if parts.port == 0:
            return False
        if "[" in parts.netloc:
            bracketed = _BRACKETED.search(parts.netloc)
            return bracketed is not None and ip_address(bracketed[1]).version == 6
    except ValueError:
        return False
    return bool(_HOST.fullmatch(host := parts.hostname or "")) and len(host) < _LONGEST


def _is_url(url: str) -> bool:
    return bool(_URL.fullmatch(url)) and is_host(url)
