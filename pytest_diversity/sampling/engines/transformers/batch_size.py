"""How many samples are drawn at once: as many as fit into the memory that is free."""

from __future__ import annotations

import platform
from collections.abc import MutableMapping
from pathlib import Path
from typing import Any

import torch

__all__ = ["BatchSize", "free_bytes", "free_on_linux", "out_of_memory", "row_bytes"]

_MOST = 512
_MOST_ON_CPU = 128  # beyond, products get no faster: 1,108 tokens/s at 128 rows, 1,304 at 256
_SHARE = 0.5  # of the free memory: caches are copied when rows leave, and estimates are estimates
_NO_MEMORY = (
    "out of memory",
    "can't allocate memory",
    "not enough memory",
    "bad_alloc",
    "could not create a primitive",  # oneDNN's
)
_LOGITS = 4  # copies of a row's logits in float32 while its next token is chosen


class BatchSize:
    """The rows of a batch, from an estimate; what ran out of memory once is remembered.

    Args:
        config: The model's configuration.
        dtype: Of its cache.
        device: Where it runs.
        name: What the memory is remembered for: the model, in that number format.
        facts: Remembers how many tokens, over all rows, did fit.
    """

    def __init__(
        self,
        config: Any,
        dtype: torch.dtype,
        device: str,
        name: str,
        facts: MutableMapping[str, str],
    ) -> None:
        """Estimate nothing yet."""
        self._config = config
        self._dtype = dtype
        self._device = device
        self._fact = f"batch|{platform.node()}|{device}|{name}"
        self._facts = facts

    def rows(self, tokens: int) -> int:
        """How many rows of at most `tokens`, prompt included; at least one."""
        most = _MOST_ON_CPU if self._device == "cpu" else _MOST
        free, each = free_bytes(self._device), row_bytes(self._config, self._dtype, tokens)
        if free is not None and each is not None:
            most = min(most, int(free * _SHARE) // each)
        known = self._facts.get(self._fact)
        if known is not None:
            most = min(most, int(known) // tokens)
        return max(1, most)

    def halve(self, rows: int, tokens: int) -> int:
        """After `rows` of so many tokens ran out of memory: half of them, from now on."""
        self._facts[self._fact] = str(rows // 2 * tokens)
        return rows // 2


def row_bytes(config: Any, dtype: torch.dtype, tokens: int) -> int | None:
    """What a row of so many tokens takes: keys and values of all layers, and its logits.

    Returns:
        Bytes, None for a model whose cache is not made of keys and values of heads.
    """
    text = config.get_text_config()
    layers, heads = (
        getattr(text, name, None) for name in ("num_hidden_layers", "num_attention_heads")
    )
    hidden, words = (getattr(text, name, None) for name in ("hidden_size", "vocab_size"))
    if not (layers and heads and hidden and words):
        return None
    width = getattr(text, "head_dim", None) or hidden // heads
    shared = getattr(text, "num_key_value_heads", None) or heads
    cache = 2 * layers * shared * width * dtype.itemsize * tokens
    return int(cache + _LOGITS * 4 * words)


def free_bytes(device: str) -> int | None:
    """The memory that is free for tensors on a device, None where nobody says."""
    kind = device.partition(":")[0]
    if kind in {"cuda", "xpu"}:
        module: Any = getattr(torch, kind)
        idle = module.memory_reserved(device) - module.memory_allocated(device)
        return int(module.mem_get_info(device)[0] + idle)
    if kind == "mps":
        return int(torch.mps.recommended_max_memory() - torch.mps.driver_allocated_memory())
    return free_on_linux(Path("/"))


def free_on_linux(root: Path) -> int | None:
    """What the kernel, and the container's limit if there is one, leave; None on other systems."""
    try:
        lines = (root / "proc/meminfo").read_text().splitlines()
    except OSError:
        return None
    sizes = {line.split(":")[0]: int(line.split()[1]) * 1024 for line in lines if ":" in line}
    free = sizes.get("MemAvailable")
    group = root / "sys/fs/cgroup"
    try:
        limit = int((group / "memory.max").read_text())  # "max" where there is none
        used = int((group / "memory.current").read_text())
        stat = dict(line.split() for line in (group / "memory.stat").read_text().splitlines())
    except (OSError, ValueError):
        return free
    left = limit - used + int(stat.get("inactive_file", 0))  # cached files make room
    return left if free is None else min(free, left)


def out_of_memory(error: Exception) -> bool:
    """Whether that is what an error says: on a CPU, torch's own are none of a kind of their own."""
    kinds = (torch.OutOfMemoryError, MemoryError)
    return isinstance(error, kinds) or any(word in str(error) for word in _NO_MEMORY)
