"""Weights in the order in which a CPU multiplies them.

oneDNN brings a plain weight into its own blocked order at each product. With few rows that costs as
much as the product; done once, it is saved at every step. These are the operators that
`torch.compile` emits for a frozen model, without its minute of compiling.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import torch
from torch.nn import Linear

__all__ = ["multiplies_bfloat16", "packed"]

_MOST = 2 << 30  # bytes of weights that are copied without a question of memory


@contextmanager
def packed(model: Any) -> Iterator[None]:
    """Inside, a model on a CPU multiplies with packed copies of its weights; they do not follow it.

    The results are the same. Models whose copy may not fit into memory are left as they are.
    """
    linears = [module for module in model.modules() if type(module) is Linear]
    size = sum(linear.weight.nbytes for linear in linears)
    usable = model.device.type == "cpu" and _has_onednn() and size <= _MOST
    chosen = [linear for linear in linears if usable and _is_packable(linear)]
    try:
        for linear in chosen:
            vars(linear)["forward"] = _packed(linear)
        yield
    finally:
        for linear in chosen:
            vars(linear).pop("forward", None)


@cache
def multiplies_bfloat16() -> bool:
    """Whether oneDNN multiplies bfloat16 on this processor; torch's own loops are slow."""
    operators: Any = torch.ops.mkldnn
    return _has_onednn() and bool(operators._is_mkldnn_bf16_supported())  # noqa: SLF001 - no public name


def _has_onednn() -> bool:
    has_onednn: Any = torch.backends.mkldnn.is_available
    return bool(has_onednn())


def _is_packable(linear: Linear) -> bool:
    """Whether this processor multiplies its number format, and nobody else replaced how it does."""
    dtype = linear.weight.dtype
    native = dtype == torch.bfloat16 and multiplies_bfloat16()
    return "forward" not in vars(linear) and (native or dtype == torch.float32)


def _packed(linear: Linear) -> Callable[[torch.Tensor], torch.Tensor]:
    operators: Any = torch.ops.mkldnn
    bias = None if linear.bias is None else linear.bias.detach()
    weight = operators._reorder_linear_weight(linear.weight.detach())  # noqa: SLF001 - likewise

    def forward(states: torch.Tensor) -> torch.Tensor:
        result: torch.Tensor = operators._linear_pointwise(  # noqa: SLF001 - likewise
            states, weight, bias, "none", [], ""
        )
        return result

    return forward
