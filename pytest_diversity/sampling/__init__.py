"""Drawing samples: an engine turns requests into samples, the store keeps them.

An engine is anything with the shape of `Engine`; there is one file per engine.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from pytest_diversity.config import Generation
from pytest_diversity.samples import Sample

__all__ = ["Engine", "Progress", "Request"]


@dataclass(frozen=True, slots=True)
class Request:
    """Samples to draw for one prompt.

    Attributes:
        prompt: The prompt's id.
        text: What the model is given.
        numbers: Which samples: sample i of K is number i, whoever draws it and when.
        generation: How to draw them.
    """

    prompt: str
    text: str
    numbers: tuple[int, ...]
    generation: Generation


class Progress(Protocol):
    """What an engine tells while it works."""

    def advance(self, samples: float, tokens: int) -> None:
        """Count `samples` (a fraction while a batch runs) and `tokens` that were just done."""

    def say(self, message: str) -> None:
        """A line that a person should see."""


class Engine(Protocol):
    """A loaded checkpoint that can be sampled."""

    def sample(self, requests: Sequence[Request], progress: Progress) -> Iterator[Sample]:
        """The requested samples, in any order, each as soon as it is finished.

        Raises:
            SamplingError: The model cannot be sampled.
        """

    def close(self) -> None:
        """Release the model and its memory."""
