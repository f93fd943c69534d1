"""Checkpoints whose weights are on this machine, and the engines that load them."""

from __future__ import annotations

import os
from collections.abc import MutableMapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from pytest_diversity.checkpoints.sources import Location, fingerprint, locate
from pytest_diversity.config.options import Options
from pytest_diversity.config.values import Checkpoint
from pytest_diversity.errors import MissingExtraError
from pytest_diversity.sampling.device import Environment, environment, physical, set_threads
from pytest_diversity.sampling.protocol import Engine, Identity, Progress

__all__ = ["LocalModel", "find"]

ENGINE = "transformers/3"  # part of every key: raised when the engine draws other texts


@dataclass(frozen=True, slots=True)
class LocalModel:
    """A checkpoint's files, and where and in what it runs.

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

    @property
    def place(self) -> str | None:
        """The GPU, on which one process at a time draws."""
        return physical(self.environment.device, os.environ.get("CUDA_VISIBLE_DEVICES", ""))

    @property
    def shared(self) -> bool:
        """Whether more workers than GPUs take turns."""
        return self.environment.shared

    def load(self, progress: Progress) -> Engine:
        """Load the weights.

        Raises:
            CheckpointError: The model or the adapter cannot be loaded.
            MissingExtraError: A library is not installed.
        """
        try:
            from pytest_diversity.sampling.engines.transformers.engine import (  # noqa: PLC0415 - imports torch
                TransformersEngine,
            )
        except ImportError as error:
            raise MissingExtraError(
                "sampling a model", package=error.name or "transformers", extra="sampling"
            ) from None
        set_threads(deterministic=self.deterministic)
        adapter = self.adapter.path if self.adapter else None
        return TransformersEngine(
            self.location, adapter, self.environment, progress, self.cache, facts=self.facts
        )


def find(
    checkpoint: Checkpoint,
    options: Options,
    root: Path,
    folder: Path,
    facts: MutableMapping[str, str],
    *,
    where: Environment | None = None,
) -> LocalModel:
    """Find a checkpoint's files; a hub id is downloaded.

    Args:
        checkpoint: Its sources.
        options: Device and number format.
        root: What relative paths are relative to.
        folder: Where converted weights are kept.
        facts: Remembers digests and devices.
        where: What it runs on, if not on this machine.

    Raises:
        CheckpointError: They are not there.
    """
    location = locate(checkpoint.source, root)
    adapter = locate(checkpoint.adapter, root, "adapter") if checkpoint.adapter else None
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
    cache = folder / f"{weights}-{where.dtype}"
    return LocalModel(location, adapter, where, identity, options.deterministic, cache, facts)
