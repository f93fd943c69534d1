"""A model in training is borrowed to be sampled, and given back exactly as it was.

What sampling could change, and training would notice: the mode of each module, the attention that
is chosen, buffers that a forward replaces (tensors made in inference mode cannot be trained with),
gradients, which inference does not touch, and every generator of random numbers.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch

from pytest_diversity.sampling.engines.transformers.internals import attention_of

__all__ = ["undisturbed"]


@contextmanager
def undisturbed(model: Any) -> Iterator[None]:
    """Inside, a model may be sampled from in evaluation mode; after it, nothing has changed."""
    modes = [(module, module.training) for module in model.modules()]
    buffers = [(module, dict(module._buffers)) for module in model.modules()]  # noqa: SLF001 - by identity
    attention = attention_of(model)
    with _random_numbers(model.device):
        try:
            model.eval()
            yield
        finally:
            for module, held in buffers:
                module._buffers.update(held)  # noqa: SLF001 - as above
            for module, mode in modes:
                module.training = mode
            if attention_of(model) != attention:
                model.set_attn_implementation(attention)


@contextmanager
def _random_numbers(device: torch.device) -> Iterator[None]:
    """Every generator goes on as if nothing had been drawn."""
    python, legacy = random.getstate(), np.random.get_state()  # noqa: NPY002 - what trainers seed
    kind = device.type if device.type != "cpu" else "cuda"
    try:
        with torch.random.fork_rng(
            devices=[] if device.type == "cpu" else [device.index or 0], device_type=kind
        ):
            yield
    finally:
        random.setstate(python)
        np.random.set_state(legacy)  # noqa: NPY002 - as above
