"""Weights on this machine: found, fingerprinted, and what they would run on. No torch."""

from __future__ import annotations

import os
from collections.abc import MutableMapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from importlib.util import find_spec
from pathlib import Path
from typing import Self

from pytest_diversity.checkpoints.adapters import check_adapter, disagreement, on_its_base
from pytest_diversity.checkpoints.contents import check_contents
from pytest_diversity.checkpoints.fingerprint import fingerprint
from pytest_diversity.checkpoints.sources import Location, is_hub_name, locate
from pytest_diversity.config.values import Checkpoint
from pytest_diversity.errors import ConfigError, require
from pytest_diversity.findings import DoubtError, Looking
from pytest_diversity.sampling.device import Environment, environment, physical
from pytest_diversity.sampling.engines.transformers.libraries import (
    demand_bitsandbytes,
    demand_gguf,
    demand_peft,
)
from pytest_diversity.sampling.protocol import NO_TEMPLATE, Chat, Identity, Request, Setup

__all__ = ["LocalWeights", "check"]

ENGINE = "transformers/3"  # part of every key: raised when the engine draws other texts
# The same of adapters alone: the first way put some of them on by half, or left them in the base.
WITH_ADAPTER = f"{ENGINE} adapters/2"


def check(checkpoint: Checkpoint, setup: Setup, looking: Looking = nullcontext) -> None:
    """Find what is wrong with a checkpoint's folders; a hub id is left to be downloaded.

    Args:
        checkpoint: Its sources.
        setup: The run's.
        looking: What becomes of an error in one of its parts.

    Raises:
        CheckpointError: One is not there, or does not hold a model or an adapter.
        ConfigError: It is asked for what quantised weights cannot keep.
    """
    with looking():
        _refuse_quantised(checkpoint, setup)
    with looking():
        checkpoint = on_its_base(checkpoint, setup.root, download=False)
    for what, source in (("checkpoint", checkpoint.source), ("adapter", checkpoint.adapter)):
        if source and not is_hub_name(source, setup.root):
            location = None
            with looking():
                location = locate(source, setup.root, what)
            if location is not None:
                _check_folder(location, what, looking)


def _refuse_quantised(checkpoint: Checkpoint, setup: Setup) -> None:
    """Their products are rounded by what else is in the batch, and depend on it in float32, too."""
    if checkpoint.quantization is not None and setup.options.deterministic:
        raise ConfigError(
            f"checkpoint {checkpoint.name!r}: --diversity-deterministic cannot be kept with "
            f"{checkpoint.quantization} weights, whose products depend on the batch",
            fix="leave one of the two out",
        )


def _check_folder(location: Location, what: str, looking: Looking) -> None:
    check_contents(location, what, looking)
    with looking():
        if what == "adapter":
            check_adapter(location.path)


@dataclass(frozen=True, slots=True)
class LocalWeights:
    """A checkpoint's files, and where and in what they run.

    Attributes:
        location: A directory with safetensors weights, or a GGUF file.
        adapter: Directory of a LoRA adapter, if any.
        environment: Device and number format.
        identity: What its samples depend on.
        deterministic: Whether a sample must be the same text however it is drawn.
        cache: Where a GGUF file's weights are kept once converted.
        facts: Remembers digests, devices, and what fitted into memory.
        said: What a person should know of it when it is loaded.
    """

    location: Location
    adapter: Location | None
    environment: Environment
    identity: Identity
    deterministic: bool
    cache: Path
    facts: MutableMapping[str, str] = field(compare=False)
    said: tuple[str, ...] = field(default=(), compare=False)

    @classmethod
    def find(
        cls, checkpoint: Checkpoint, setup: Setup, *, where: Environment | None = None
    ) -> Self:
        """Find a checkpoint's files; a hub id is downloaded.

        Args:
            checkpoint: Its sources.
            setup: The run's options, and what it remembers.
            where: What it runs on, if not on this machine.

        Raises:
            CheckpointError: They are not there.
            ConfigError: It is asked for what quantised weights cannot keep.
        """
        _refuse_quantised(checkpoint, setup)
        options, facts, root = setup.options, setup.facts, setup.root
        checkpoint = on_its_base(checkpoint, root)
        location = locate(checkpoint.source, root)
        adapter = locate(checkpoint.adapter, root, "adapter") if checkpoint.adapter else None
        if adapter is not None:
            check_adapter(adapter.path)
        other_base = disagreement(checkpoint, adapter, root) if adapter else None
        where = where or environment(options.device, options.dtype, facts)
        where = replace(where, quantization=checkpoint.quantization)
        weights = fingerprint(location, facts)
        identity = Identity(
            weights=weights,
            adapter=fingerprint(adapter, facts) if adapter else None,
            engine=WITH_ADAPTER if adapter else ENGINE,
            device=where.device.partition(":")[0],
            dtype=where.precision,
            versions=where.versions,
        )
        cache = setup.folder / f"{weights}-{where.dtype}"
        said = (other_base,) if other_base else ()
        return cls(location, adapter, where, identity, options.deterministic, cache, facts, said)

    @property
    def digest(self) -> str:
        """Of the files."""
        return self.identity.of_files

    @property
    def templates(self) -> tuple[Location, ...]:
        """Where a chat template may be."""
        return (self.location, *([self.adapter] if self.adapter else []))

    def check(self, requests: Sequence[Request]) -> None:
        """Refuse what the model cannot read, before any is loaded.

        A GGUF file that was not converted yet is left to its engine: to read one takes long.

        Raises:
            CheckpointError: Its tokenizer or its adapter cannot be read.
            ConfigError: Its chat template refuses a prompt, or one leaves no room for its answer.
        """
        path = self.cache if self.location.kind == "gguf" else self.location.path
        if find_spec("transformers") is None or not path.is_dir():
            return
        from pytest_diversity.sampling.engines.transformers.reading import (  # noqa: PLC0415 - imports torch
            check_readable,
        )

        check_readable(path, self.adapter.path if self.adapter else None, requests)

    def ready(self, chat: Chat) -> str:
        """Make sure that libraries and tokenizer are there, and say how it is spoken to.

        Raises:
            MissingExtraError: A library is not installed.
            CheckpointError: Its tokenizer or its adapter cannot be read.
            DoubtError: It has no chat template, and nobody says that this is meant.
        """
        if self.adapter is not None:
            demand_peft()
        if self.environment.quantization is not None:
            demand_bitsandbytes(self.environment.quantization)
        if self.location.kind == "gguf" and not self.cache.is_dir():
            demand_gguf(self.location.path.name)
            return "GGUF"
        if chat.template is not None:
            return "without a chat template" if chat.template == NO_TEMPLATE else "a template"
        require("a tokenizer", package="transformers", extra="sampling")
        from pytest_diversity.sampling.engines.transformers.reading import (  # noqa: PLC0415 - imports torch
            has_template,
        )

        path = self.cache if self.location.kind == "gguf" else self.location.path
        if not has_template(path, self.adapter.path if self.adapter else None):
            raise DoubtError(
                "has no chat template: prompts are given as plain text, as to a base model",
                fix='if it was tuned to chat, give it one: template = "FILE" in the checkpoint',
            )
        return "its own chat template"

    @property
    def place(self) -> str | None:
        """The GPU, on which one process at a time draws."""
        return physical(self.environment.device, os.environ.get("CUDA_VISIBLE_DEVICES", ""))

    @property
    def shared(self) -> bool:
        """Whether more workers than GPUs take turns."""
        return self.environment.shared
