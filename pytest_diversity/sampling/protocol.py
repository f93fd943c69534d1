"""Drawing samples: a model is found and loaded, its engine turns requests into samples.

The store keeps them. There is one room per engine, found by the table in `engines`; anything with
the shapes of `Model` and `Engine` will do.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from pytest_diversity.checkpoints.sources import Location
from pytest_diversity.config.options import Options
from pytest_diversity.config.values import Generation
from pytest_diversity.prompts import Message
from pytest_diversity.samples import Sample
from pytest_diversity.sampling.seeds import sample_seed

__all__ = [
    "NO_TEMPLATE",
    "Chat",
    "Engine",
    "Identity",
    "Model",
    "Progress",
    "Readied",
    "Request",
    "Setup",
    "WritesPrompts",
]

NO_TEMPLATE = "none"  # messages are joined plainly, for models that know no roles


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
class Chat:
    """How a conversation becomes the text that a model reads.

    Attributes:
        template: The source of a chat template, or `none`; the model's own if None.
        told: What the template is told.
        clock: What a template that reads the clock sees, by the format in which it asks; the time
            of the run under an empty one, where it asks in formats that cannot be known.
    """

    template: str | None = None
    told: Mapping[str, Any] = field(default_factory=dict)
    clock: Mapping[str, str] = field(default_factory=dict)

    def settings(self) -> dict[str, Any]:
        """What a key must hold of it, so that it holds all that the token ids depend on.

        The model's own template is part of its weights' digest; what is not set is left out, so
        that older samples keep their key.
        """
        found: dict[str, Any] = {}
        if self.template is not None:
            found["template"] = hashlib.sha256(self.template.encode()).hexdigest()
        if self.told:
            found["chat_template_kwargs"] = dict(self.told)
        if self.clock:
            found["clock"] = dict(self.clock)
        return found


@dataclass(frozen=True, slots=True)
class Request:
    """Samples to draw for one prompt.

    Attributes:
        prompt: The prompt's id.
        text: What the model is asked: the last thing that the user says.
        numbers: Which samples: sample i of K is number i, whoever draws it and when.
        generation: How to draw them.
        messages: The whole conversation, where it is more than the text.
        prefill: The beginning of the answer, which the model continues.
        chat: How the conversation is written, for engines that run a model themselves.
    """

    prompt: str
    text: str
    numbers: tuple[int, ...]
    generation: Generation
    messages: tuple[Message, ...] = ()
    prefill: str = ""
    chat: Chat = Chat()

    @property
    def turns(self) -> tuple[Message, ...]:
        """The conversation: a system message of its own, else that of the settings, and the rest.

        The beginning of the answer is not among them.
        """
        turns = self.messages or (Message("user", self.text),)
        system = self.generation.system
        if system is None or turns[0].role == "system":
            return turns
        return (Message("system", system), *turns)

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


@runtime_checkable
class WritesPrompts(Protocol):
    """A model whose engine writes conversations by itself, through a chat template."""

    @property
    def templates(self) -> tuple[Location, ...]:
        """Where the model and its adapter are, which may have one each."""

    def check(self, requests: Sequence[Request]) -> None:
        """Refuse what the model cannot read, before it is loaded.

        Raises:
            CheckpointError: Its tokenizer or its adapter cannot be read.
            ConfigError: Its chat template refuses a prompt, or one leaves no room for its answer.
        """


@runtime_checkable
class Readied(Protocol):
    """A model that can tell beforehand whether it could be loaded."""

    def ready(self, chat: Chat) -> str:
        """Make sure that it could be loaded and asked, without loading it or drawing anything.

        Args:
            chat: How it would be spoken to.

        Returns:
            What it is, in a few words.

        Raises:
            DiversityError: A library is not installed, or its server does not answer.
            DoubtError: It is spoken to in a way that may not be meant.
        """


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
