"""Keys and values of rows in flight, in buffers with room for tokens to come.

transformers' dynamic cache copies everything it has at each step. Here a copy is made when the room
is used up; and where rows leave, the last ones take their places, so that nothing else is moved.
"""

from __future__ import annotations

from copy import copy
from typing import Any

import torch
from torch.nn.functional import pad

from pytest_diversity.sampling.engines.transformers.attention import beginning
from pytest_diversity.sampling.engines.transformers.internals import DynamicCache, DynamicLayer

__all__ = ["spread"]

_ROOM = 64  # tokens: making room copies the whole cache, and unused room is multiplied with


def spread(cache: DynamicCache, share: torch.Tensor) -> DynamicCache:
    """A cache for the rows of `share`, each of which has read one of the prompts in `cache`."""
    found = copy(cache)
    found.layers = [_spread(layer, share) for layer in cache.layers]
    return found


def _spread(layer: Any, share: torch.Tensor) -> Any:
    if type(layer) is DynamicLayer:
        return _Buffered(layer, share)
    layer = copy(layer)
    layer.batch_select_indices(share)  # which makes tensors of its own
    return layer


class _Buffered(DynamicLayer):  # type: ignore[no-untyped-call]
    """A layer's keys and values in buffers with room for tokens to come."""

    def __init__(self, layer: DynamicLayer, share: torch.Tensor) -> None:
        """Copy what `layer` holds for the prompts of `share`, and make room behind it."""
        super().__init__()  # type: ignore[no-untyped-call]
        self.is_initialized = True
        self._length = layer.get_seq_length()
        states = [part for part in (layer.keys, layer.values) if part is not None]
        self.dtype, self.device = states[0].dtype, states[0].device  # older versions ask for them
        self._buffers = [_roomy(part[share]) for part in states]
        self._view()

    def update(
        self, key_states: torch.Tensor, value_states: torch.Tensor, *_: Any, **__: Any
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Write the new states behind the ones before; all of them so far."""
        end = self._length + key_states.shape[-2]
        if end > self._buffers[0].shape[-2]:
            self._buffers = [_roomy(buffer) for buffer in self._buffers]
        for buffer, states in zip(self._buffers, (key_states, value_states), strict=True):
            buffer[:, :, self._length : end] = states
        self._length = end
        return self._view()

    def batch_select_indices(self, indices: torch.Tensor) -> None:
        """Keep the rows at `indices`, in this order; one that stays in its place is not copied."""
        places = torch.arange(len(indices), device=indices.device)
        moved = (indices != places).nonzero()[:, 0]
        for buffer in self._buffers:
            buffer[moved] = buffer[indices[moved]]
        self._buffers = [buffer[: len(indices)] for buffer in self._buffers]
        self._view()

    def _view(self) -> tuple[torch.Tensor, torch.Tensor]:
        keys, values = (beginning(buffer, self._length) for buffer in self._buffers)
        self.keys, self.values = keys, values
        return keys, values


def _roomy(states: torch.Tensor) -> torch.Tensor:
    """`states` with zeros behind them, which weigh nothing where the whole is multiplied."""
    return pad(states, (0, 0, 0, _ROOM))
