"""Attention of one new token a row, on a CPU: heads that share keys become one product.

Grouped-query attention has several heads of queries for each head of keys. A CPU's kernel reads the
keys again for each of them; as rows of one query they are read once. In bfloat16 two products of
whole buffers are faster again, by three and more: torch's kernel converts keys and values, and a
product of a part of a buffer first copies it. In float32 the kernel stays, which was seen to give a
row the same numbers in any batch. Everything else is transformers' own attention.
"""

from __future__ import annotations

from typing import Any

import torch
from torch.nn.functional import scaled_dot_product_attention

from pytest_diversity.sampling.engines.transformers.internals import (
    attend_with,
    sdpa_attention_forward,
)
from pytest_diversity.sampling.engines.transformers.packing import multiplies_bfloat16

__all__ = ["beginning", "fold_heads"]

_NAME = "pytest_diversity"


def fold_heads(model: Any) -> None:
    """Let a model on a CPU whose attention is `sdpa` fold its heads."""
    if model.device.type == "cpu":
        attend_with(model, _NAME, _attend)


def beginning(buffer: torch.Tensor, length: int) -> torch.Tensor:
    """The first `length` tokens of a buffer (rows, heads, tokens, size), zeros behind them.

    It remembers the buffer, until a model makes another tensor of it.
    """
    states = buffer[:, :, :length]
    states.buffer = buffer  # type: ignore[attr-defined]
    return states


def _attend(
    module: torch.nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    **options: Any,
) -> tuple[torch.Tensor, None]:
    """As `sdpa_attention_forward`: (rows, heads, tokens, size) to (rows, tokens, heads, size).

    A mask that all heads share has one head, so it is that of the folded heads too.
    """
    rows, heads, tokens, size = query.shape
    shared = attention_mask is None or attention_mask.shape[1] == 1
    if tokens != 1 or not shared or options.get("position_bias") is not None:
        output: tuple[torch.Tensor, None] = sdpa_attention_forward(
            module, query, key, value, attention_mask, **options
        )
        return output
    folded = query.reshape(rows, key.shape[1], -1, size)
    scale = options.get("scaling")
    keys, values = getattr(key, "buffer", None), getattr(value, "buffer", None)
    fast = query.dtype == torch.bfloat16 and multiplies_bfloat16()
    if fast and keys is not None and values is not None:
        scale = size**-0.5 if scale is None else scale
        weights = _weights(folded, keys, attention_mask, key.shape[2], scale).to(values.dtype)
        attended = torch.bmm(weights.flatten(0, 1), values.flatten(0, 1))
    else:
        attended = scaled_dot_product_attention(
            folded, key, value, attn_mask=attention_mask, scale=scale
        )
    return attended.reshape(rows, 1, heads, -1), None


def _weights(
    query: torch.Tensor, keys: torch.Tensor, mask: torch.Tensor | None, length: int, scale: float
) -> torch.Tensor:
    """Of each token of a buffer; those behind the first `length` get none."""
    products = torch.bmm(query.flatten(0, 1), keys.flatten(0, 1).transpose(1, 2))
    scores = products.float().mul_(scale).view(*query.shape[:3], -1)
    if mask is not None and mask.dtype == torch.bool:
        scores[..., :length].masked_fill_(~mask, -torch.inf)
    elif mask is not None:
        scores[..., :length] += mask
    scores[..., length:] = -torch.inf
    return scores.softmax(-1)
