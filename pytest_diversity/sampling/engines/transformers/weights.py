"""Weights on this machine: found, fingerprinted, and what they would run on. No torch."""

from __future__ import annotations

import os
from collections.abc import MutableMapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Self

from pytest_diversity.checkpoints.fingerprint import fingerprint
from pytest_diversity.checkpoints.sources import Location, locate
from pytest_diversity.config.values import Checkpoint
from pytest_diversity.sampling.device import Environment, environment, physical
from pytest_diversity.sampling.protocol import Identity, Setup

__all__ = ["LocalWeights"]

ENGINE = "transformers/3"  # part of every key: raised when the engine draws other texts


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
    """

    location: Location
    adapter: Location | None
    environment: Environment
    identity: Identity
    deterministic: bool
    cache: Path
    facts: MutableMapping[str, str] = field(compare=False)

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
        """
        options, facts = setup.options, setup.facts
        location = locate(checkpoint.source, setup.root)
        adapter = locate(checkpoint.adapter, setup.root, "adapter") if checkpoint.adapter else None
        where = where or environment(options.device, options.dtype, facts)
        where = replace(where, quantization=checkpoint.quantization)
        weights = fingerprint(location, facts)
        identity = Identity(
            weights=weights,
            adapter=fingerprint(adapter, facts) if adapter else None,
            engine=ENGINE,
            device=where.device.partition(":")[0],
            dtype=where.precision,
            versions=where.versions,
        )
        cache = setup.folder / f"{weights}-{where.dtype}"
        return cls(location, adapter, where, identity, options.deterministic, cache, facts)

    @property
    def digest(self) -> str:
        """Of the files."""
        return self.identity.of_files

    @property
    def templates(self) -> tuple[Location, ...]:
        """Where a chat template may be."""
        return (self.location, *([self.adapter] if self.adapter else []))

    @property
    def place(self) -> str | None:
        """The GPU, on which one process at a time draws."""
        return physical(self.environment.device, os.environ.get("CUDA_VISIBLE_DEVICES", ""))

    @property
    def shared(self) -> bool:
        """Whether more workers than GPUs take turns."""
        return self.environment.shared
