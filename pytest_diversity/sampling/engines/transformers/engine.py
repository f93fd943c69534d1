"""The embedded engine: a language model in transformers, decoded for K samples a prompt.

Models whose cache cannot be shared among samples (see `usable`), and those with an encoder, are
served by transformers' own `generate`, and the run says so.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator, MutableMapping, Sequence
from pathlib import Path
from typing import Any

import torch

from pytest_diversity.checkpoints.sources import Location
from pytest_diversity.errors import some
from pytest_diversity.samples import Sample
from pytest_diversity.sampling.device import Environment
from pytest_diversity.sampling.engines.transformers.adapters import Adaptable
from pytest_diversity.sampling.engines.transformers.batch_size import BatchSize
from pytest_diversity.sampling.engines.transformers.drawer import Drawer
from pytest_diversity.sampling.engines.transformers.loading import (
    explained,
    load,
    silence,
    without_warnings,
)
from pytest_diversity.sampling.engines.transformers.reading import read_adapter
from pytest_diversity.sampling.engines.transformers.usable import why_not
from pytest_diversity.sampling.engines.transformers.voice import Voice
from pytest_diversity.sampling.engines.transformers.weights import LocalWeights
from pytest_diversity.sampling.protocol import Model, Progress, Request

__all__ = ["TransformersEngine"]


class TransformersEngine:
    """A language model in memory, with its tokenizer."""

    def __init__(
        self,
        location: Location,
        adapter: Path | None,
        environment: Environment,
        progress: Progress,
        cache: Path,
        *,
        facts: MutableMapping[str, str] | None = None,
    ) -> None:
        """Load the model.

        Args:
            location: A directory with safetensors weights, or a GGUF file.
            adapter: Directory of a LoRA adapter, if any.
            environment: Device and dtype.
            progress: Told what a person should know.
            cache: Where a GGUF file's weights are kept once converted.
            facts: Remembers how much fitted into memory; nothing does if it is left out.

        Raises:
            CheckpointError: The model or the adapter cannot be loaded.
        """
        self._environment = environment
        tokenizer, model = _loaded(location, environment, cache, progress)
        self._base = (location, environment)
        self._adaptable = Adaptable(model, environment.device)
        self._base_voice = Voice.of_model(tokenizer, model)
        self._news: list[str] = []
        remembered = {} if facts is None else facts
        size = BatchSize(model.config, model.dtype, environment.device, cache.name, remembered)
        self._drawer = Drawer(model, self._base_voice, size)
        self._adapt(adapter)
        self._drawer.shares = _draws_together(model, location.path.name, progress)
        if self._drawer.voice.tokenizer.chat_template is None:
            self._news.append(
                f"{location.path.name} has no chat template: prompts are given as they are"
            )
        self._tell(progress)

    def sample(self, requests: Sequence[Request], progress: Progress) -> Iterator[Sample]:
        """Draw all requested samples, batch by batch; the batch halves when memory runs out."""
        self._tell(progress)
        yield from self._drawer.sample(requests, progress)

    def swap(self, model: Model) -> bool:
        """Exchange the adapter, if `model` is of the same base."""
        if not isinstance(model, LocalWeights) or self._environment.quantization:
            return False
        if (model.location, model.environment) != self._base or not self._adaptable.restore():
            return False
        self._news += model.said
        self._adapt(model.adapter.path if model.adapter else None)
        return True

    def close(self) -> None:
        """Release the model and the device's memory."""
        del self._drawer, self._adaptable
        gc.collect()
        device = self._environment.device.split(":")[0]
        if device != "cpu":
            getattr(torch, device).empty_cache()

    def _adapt(self, adapter: Path | None) -> None:
        """Put an adapter on the base, with what it says of prompts and ends."""
        with without_warnings():
            self._adaptable.use(adapter)
            self._drawer.packs = self._adaptable.plain
            self._drawer.voice = self._base_voice
            if adapter is not None:
                self._drawer.voice, own = read_adapter(adapter, self._base_voice)
                if own:
                    self._news.append(f"{adapter.name} is drawn with its own {own}")

    def _tell(self, progress: Progress) -> None:
        """What is new since a person was last told."""
        for line in self._news:
            progress.say(line)
        self._news = []


def _loaded(
    location: Location, environment: Environment, cache: Path, progress: Progress
) -> tuple[Any, Any]:
    """The tokenizer and the model of a checkpoint, on its device."""
    silence()
    name, device = location.path.name, environment.device
    progress.say(f"loading {name} on {device} ({environment.dtype})")
    with without_warnings(), explained(f"checkpoint {location.path}"):
        tokenizer, model, unused = load(location, environment, cache)
    if unused:
        progress.say(f"{name}: weights that it does not use: {some(unused)}")
    if environment.quantization is None:  # such weights are on their device already
        model = model.to(device)
    return tokenizer, model.eval()


def _draws_together(model: Any, name: str, progress: Progress) -> bool:
    """Whether many samples are decoded at once; where not, `generate` draws, and that is said."""
    with without_warnings():
        reason = why_not(model)
    if reason is not None:
        progress.say(f"{name}: {reason}, so generate draws")
    return reason is None
