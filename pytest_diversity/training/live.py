"""Checkpoints `training:DIGEST`: models that are in memory, for they are being trained.

They are a registered sampler's, so that their samples are kept, replayed and judged as all others
are. The digest is of the weights: training that is resumed, or repeated, finds what it drew.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch

from pytest_diversity.errors import ConfigError
from pytest_diversity.samples import Sample
from pytest_diversity.sampling.engines.registered import register_sampler
from pytest_diversity.sampling.engines.transformers.batch_size import BatchSize
from pytest_diversity.sampling.engines.transformers.drawer import Drawer
from pytest_diversity.sampling.engines.transformers.loading import without_warnings
from pytest_diversity.sampling.engines.transformers.usable import why_not
from pytest_diversity.sampling.engines.transformers.voice import Voice
from pytest_diversity.sampling.protocol import Request
from pytest_diversity.training.undisturbed import undisturbed

__all__ = ["digest", "lent", "plain_model"]

_SCHEME = "training"
_VERSION = "1"
_lent: dict[str, Drawer] = {}
_log = logging.getLogger(__name__)


class _Logged:
    """What an engine tells, for a log: the trainer has a bar of its own."""

    def advance(self, samples: float, tokens: int) -> None:
        """The sampler counts by itself."""

    def say(self, message: str) -> None:
        """A line that a person should see."""
        _log.info(message)


def plain_model(model: Any) -> Any:
    """The language model itself, with its adapters in it, without what trainers wrap around it.

    Raises:
        ConfigError: It is trained by prompts that only its wrapper knows.
    """
    if not hasattr(model, "peft_config"):
        return model
    if any(config.is_prompt_learning for config in model.peft_config.values()):
        raise ConfigError(
            "a model that learns a prompt cannot be sampled while it is trained",
            fix="gate its checkpoints with pytest",
        )
    return model.get_base_model()


@contextmanager
def lent(model: Any, tokenizer: Any, name: str) -> Iterator[str]:
    """The source of a checkpoint that is this model, as long as it is lent.

    Args:
        model: As `plain_model` gives it.
        tokenizer: Its own, whose chat template writes the prompts.
        name: What its samples are kept under: a digest of all of its weights.
    """
    register_sampler(_SCHEME, _draw, version=_VERSION)
    with undisturbed(model), without_warnings():
        size = BatchSize(model.config, model.dtype, str(model.device), _SCHEME, {})
        packs = not any(hasattr(module, "base_layer") for module in model.modules())
        drawer = Drawer(model, Voice.of_model(tokenizer, model), size, packs=packs)
        drawer.shares = why_not(model) is None
        _lent[name] = drawer
        try:
            yield f"{_SCHEME}:{name}"
        finally:
            del _lent[name]


def _draw(name: str, requests: Sequence[Request]) -> Iterator[Sample]:
    return _lent[name].sample(requests, _Logged())


def digest(tensors: Mapping[str, torch.Tensor], before: str = "") -> str:
    """Of tensors by their names, and of what came before; 32 hexadecimal digits."""
    found = hashlib.sha256(before.encode())
    for name, tensor in tensors.items():
        found.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        found.update(tensor.detach().reshape(-1).view(torch.uint8).cpu().numpy().data)
    return found.hexdigest()[:32]
