"""Drawing samples: a model is found and loaded, its engine turns requests into samples.

The store keeps them. There is one room per engine, found by the table in `engines`; anything with
the shapes of `Model` and `Engine` will do.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, MutableMapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from pytest_diversity.config.options import Options
from pytest_diversity.config.values import Generation
from pytest_diversity.samples import Sample
from pytest_diversity.sampling.seeds import sample_seed

__all__ = ["Engine", "Identity", "Model", "Progress", "Request", "Setup"]


@dataclass(frozen=True, slots=True)
class Identity:
    """What samples depend on besides prompt and settings; part of their key.

    Attributes:
        weights: Digest of the model's files.
        adapter: Digest of the adapter's files, if any.
        engine: Name and version of the engine.
        device: Type of the device, without its index.
        dtype: Number format.
        versions: Of the libraries that do the arithmetic.
    """

    weights: str
    adapter: str | None
    engine: str
    device: str
    dtype: str
    versions: str

    @property
    def of_files(self) -> str:
        """In brief, where both are digests of files."""
        return "+".join(part[:16] for part in (self.weights, self.adapter) if part)

    @property
    def of_name(self) -> str:
        """In brief, where a name stands for weights that cannot be read."""
        return hashlib.sha256(self.weights.encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class Setup:
    """What a run says to every engine, to find its checkpoints with.

    Attributes:
        options: Device, number format, and what else was chosen.
        root: What relative paths of sources are relative to.
        folder: Where converted weights are kept.
        facts: Remembers digests and devices, so that a run served from the store looks up nothing.
    """

    options: Options
    root: Path
    folder: Path
    facts: MutableMapping[str, str]


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

    def seed(self, number: int, bits: int = 64) -> int:
        """The seed of sample `number`, from 0 to 2**bits - 1, for engines that take one."""
        return sample_seed(self.generation.seed, self.prompt, number, bits)


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

    def swap(self, model: Model) -> bool:
        """Become the engine of another model without loading anew, where that is possible.

        Returns:
            Whether it is that of `model` now; if not, nothing has changed.

        Raises:
            DiversityError: It began to be and cannot; it must be closed.
        """

    def close(self) -> None:
        """Release the model and its memory."""


class Model(Protocol):
    """A checkpoint that was found, on this machine or on a server, and can be loaded."""

    @property
    def identity(self) -> Identity:
        """What its samples depend on."""

    @property
    def digest(self) -> str:
        """What it is, in brief, for baselines."""

    @property
    def place(self) -> str | None:
        """What one process at a time draws on, as a part of a file's name; None if many may."""

    @property
    def shared(self) -> bool:
        """Whether the place is given up after each drawing, for others wait for its memory."""

    def load(self, progress: Progress) -> Engine:
        """Load it, or connect to it.

        Raises:
            DiversityError: It cannot be used.
        """
