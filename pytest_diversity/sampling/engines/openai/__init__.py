"""Checkpoints on inference servers that speak the OpenAI API: `http://host:port/v1#model`.

Nothing here contacts a server before samples are missing, nor imports the HTTP client before that.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from pytest_diversity.config.server import Endpoint
from pytest_diversity.config.values import Checkpoint
from pytest_diversity.errors import MissingExtraError
from pytest_diversity.sampling.engines.openai.address import Address
from pytest_diversity.sampling.protocol import Chat, Engine, Identity, Progress, Setup

__all__ = ["Address", "ServerModel", "find"]

ENGINE = "openai/2"  # part of every key: raised when the same server is asked otherwise


@dataclass(frozen=True, slots=True)
class ServerModel:
    """A model on a server.

    Attributes:
        address: Where it is, and its name there.
        server: How the server is spoken to.
        deterministic: Whether it must give the same text for the same seed whatever else it does.
    """

    address: Address
    server: Endpoint
    deterministic: bool = False

    @property
    def identity(self) -> Identity:
        """What can be known of it from here: its address and what each request says."""
        server = self.server
        said: list[object] = [server.body]
        if server.send or server.omit or server.rename:  # older samples keep their key
            said.append([sorted(server.send), sorted(server.omit), server.rename])
        spoken = " ".join(json.dumps(one, sort_keys=True) for one in said)
        return Identity(
            weights=f"{self.address} {server.api} {spoken}",
            adapter=None,
            engine=f"{ENGINE} deterministic" if self.deterministic else ENGINE,
            device="server",
            dtype="server",
            versions="",
        )

    @property
    def digest(self) -> str:
        """Of its name: what is behind it is the server's to know."""
        return self.identity.of_name

    @property
    def place(self) -> str:
        """The server, of which one process at a time asks samples."""
        return f"server-{self.address.place}"

    @property
    def shared(self) -> bool:
        """No: a connection takes nothing from others."""
        return False

    def load(self, progress: Progress) -> Engine:
        """Connect to the server, and probe it.

        Raises:
            CheckpointError: It has no such model, does not sample, or not deterministically.
            SamplingError: It cannot be reached, or refuses what it is asked.
            MissingExtraError: The client is not installed.
        """
        engine: Engine = _client().ServerEngine(
            self.address, self.server, progress, deterministic=self.deterministic
        )
        return engine

    def ready(self, chat: Chat) -> str:
        """Ask the server once which models it has, and the model for a single token.

        Raises:
            CheckpointError: It has no such model, or says that it is not deterministic.
            SamplingError: It cannot be reached, or refuses what it is asked.
            MissingExtraError: The client is not installed.
        """
        del chat  # a server's templates are its own
        client = _client()
        found = client.greeted(self.address, self.server, deterministic=self.deterministic)
        return f"the server has {found}"


def _client() -> Any:
    try:
        return import_module(f"{__name__}.engine")
    except ImportError as error:
        package = error.name or "httpx2"
        raise MissingExtraError("sampling a server", package=package, extra="openai") from None


def find(checkpoint: Checkpoint, setup: Setup) -> ServerModel:
    """A checkpoint's server, which is not contacted yet.

    Raises:
        CheckpointError: Its URL cannot be used.
    """
    address = Address.parse(checkpoint.source)
    return ServerModel(address, checkpoint.server, setup.options.deterministic)
