"""All that is used of transformers and that it does not promise to keep; `usable` looks after it.

A version in which one of these names is gone fails to import this, and nothing else here.
"""

from __future__ import annotations

from collections.abc import Callable
from inspect import signature
from typing import Any

from transformers import AttentionInterface, DynamicCache
from transformers.cache_utils import DynamicLayer
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import AttentionMaskInterface, sdpa_mask

__all__ = [
    "DynamicCache",
    "DynamicLayer",
    "attend_with",
    "cache_argument",
    "empty_cache",
    "is_supported",
    "sdpa_attention_forward",
]


def empty_cache(model: Any) -> DynamicCache:
    """A cache for keys and values, with nothing in it."""
    return DynamicCache(config=model.config.get_text_config(decoder=True))


def cache_argument(model: Any) -> str:
    """What a model's forward calls its cache."""
    return "cache" if "cache" in signature(model.forward).parameters else "past_key_values"


def is_supported(model: Any) -> bool:
    """Whether a model's cache can be shared and cut row by row, as attention's can.

    States of linear attention cannot; encoders have another cache altogether.
    """
    if getattr(model.config, "is_encoder_decoder", False):
        return False
    takes_positions = "position_ids" in signature(model.forward).parameters
    layers = empty_cache(model).layers
    return takes_positions and all(isinstance(layer, DynamicLayer) for layer in layers)


def attend_with(model: Any, name: str, function: Callable[..., Any]) -> None:
    """Let a model whose attention is `sdpa` attend with a function of the same shapes."""
    if model.config._attn_implementation == "sdpa":  # noqa: SLF001 - it has no public reader
        AttentionInterface.register(name, function)
        AttentionMaskInterface.register(name, sdpa_mask)
        model.set_attn_implementation(name)
