"""What a judge may work with: embeddings, a device, files."""

from __future__ import annotations

from collections.abc import Callable, MutableMapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

__all__ = ["Tools"]


class _Embed(Protocol):
    def __call__(self, texts: Sequence[str], /) -> Any: ...


@dataclass(frozen=True, slots=True)
class Tools:
    """What a judge may work with; each is looked for when it is used.

    Attributes:
        embed: Sentence embeddings of texts.
        embedder: A digest of what embeds.
        device: `auto` or a torch device.
        root: What relative paths are relative to.
        facts: Gives what remembers digests of files.
        folder: Where a GGUF file's weights are kept once converted; None to convert them each time.
    """

    embed: _Embed
    embedder: Callable[[], str]
    device: str
    root: Path
    facts: Callable[[], MutableMapping[str, str]]
    folder: Path | None = None
