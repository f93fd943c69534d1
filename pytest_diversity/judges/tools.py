"""What a judge may work with: embeddings, a device, files."""

from __future__ import annotations

from collections.abc import Callable, MutableMapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from pytest_diversity.progress import Count, uncounted

__all__ = ["Asked", "Tools"]


class _Embed(Protocol):
    def __call__(self, texts: Sequence[str], /) -> Any: ...


class Asked(Protocol):
    """A checkpoint that is asked."""

    @property
    def identity(self) -> str:
        """What its answers depend on."""

    @property
    def count(self) -> int:
        """How often this run has asked it, repeated requests included."""

    def __call__(self, questions: Sequence[str], most: int, /) -> Sequence[str]:
        """Its answer to each, in order; asked at most so often in the whole run."""


@dataclass(frozen=True, slots=True)
class Tools:
    """What a judge may work with; each is looked for when it is used.

    Attributes:
        embed: Sentence embeddings of texts.
        embedder: A digest of what embeds.
        device: `auto` or a torch device.
        root: What relative paths are relative to.
        facts: Gives what remembers digests of files.
        ask: Gives a checkpoint of the configuration, to be asked.
        count: Shows how far the judging is.
        folder: Where a GGUF file's weights are kept once converted; None while the process
            lives.
    """

    embed: _Embed
    embedder: Callable[[], str]
    device: str
    root: Path
    facts: Callable[[], MutableMapping[str, str]]
    folder: Path | None = None
    ask: Callable[[str], Asked] | None = None
    count: Count = uncounted
