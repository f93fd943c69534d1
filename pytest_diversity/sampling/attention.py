"""Attention of one new token a row, on a CPU: heads that share keys become one product.

Grouped-query attention has several heads of queries for each head of keys. A CPU's kernel reads the
keys again for each of them; as rows of one query they are read once. In bfloat16 that is five times
as fast. Everything else is transformers' own attention.
"""

from __future__ import annotations

from typing import Any

import torch
from torch.nn.functional import scaled_dot_product_attention
from transformers import AttentionInterface
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import AttentionMaskInterface, sdpa_mask

__all__ = ["fold_heads"]

_NAME = "pytest_diversity"


def fold_heads(model: Any) -> None:
    """Let a model on a CPU whose attention is `sdpa` fold its heads."""
    if model.device.type == "cpu" and model.config._attn_implementation == "sdpa":  # noqa: SLF001 - it has no public reader
        AttentionInterface.register(_NAME, _attend)
        AttentionMaskInterface.register(_NAME, sdpa_mask)
        model.set_attn_implementation(_NAME)


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
    grouped = heads > key.shape[1]
    shared = attention_mask is None or attention_mask.shape[1] == 1
    if not (tokens == 1 and grouped and shared) or options.get("position_bias") is not None:
        output: tuple[torch.Tensor, None] = sdpa_attention_forward(
            module, query, key, value, attention_mask, **options
        )
        return output
    folded = query.reshape(rows, key.shape[1], -1, size)
    attended = scaled_dot_product_attention(
        folded, key, value, attn_mask=attention_mask, scale=options.get("scaling")
    )
    return attended.reshape(rows, 1, heads, -1), None
