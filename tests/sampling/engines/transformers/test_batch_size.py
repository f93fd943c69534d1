"""How many rows a batch has: what fits, and never again what did not."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest
import torch
from transformers import GPT2Config, LlamaConfig, MambaConfig, PretrainedConfig

from pytest_diversity.sampling.engines.transformers import batch_size as memory
from pytest_diversity.sampling.engines.transformers.batch_size import (
    BatchSize,
    free_bytes,
    free_on_linux,
    row_bytes,
)

SMOLLM2 = LlamaConfig(
    hidden_size=576,
    num_hidden_layers=30,
    num_attention_heads=9,
    num_key_value_heads=3,
    vocab_size=49_152,
)


def test_a_row_takes_its_cache_and_its_logits() -> None:
    """23,040 bytes a token were measured on SmolLM2 in bfloat16, and twice that in float32."""
    logits = row_bytes(SMOLLM2, torch.bfloat16, 0)
    assert logits is not None
    assert row_bytes(SMOLLM2, torch.bfloat16, 167) == 23_040 * 167 + logits
    assert row_bytes(SMOLLM2, torch.float32, 167) == 2 * 23_040 * 167 + logits


CONFIGS: Mapping[str, tuple[PretrainedConfig, bool]] = {
    "heads of their own keys": (GPT2Config(), True),
    "no heads at all": (MambaConfig(), False),
}


@pytest.mark.parametrize("case", CONFIGS)
def test_other_models(case: str) -> None:
    """What has no cache of keys and values has no estimate."""
    config, known = CONFIGS[case]
    assert (row_bytes(config, torch.float32, 100) is not None) is known


def test_the_memory_here_is_known() -> None:
    """On this machine there is an answer, and it is some memory."""
    free = free_bytes("cpu")
    assert free is None or free > 1 << 20


def machine(root: Path, files: Mapping[str, str]) -> Path:
    """A file system that says so."""
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


MEMINFO = {"proc/meminfo": "MemTotal: 1000 kB\nMemAvailable: 600 kB\n"}
GROUP = {
    "sys/fs/cgroup/memory.current": "204800",
    "sys/fs/cgroup/memory.stat": "inactive_file 1024",
}
MACHINES: Mapping[str, tuple[Mapping[str, str], int | None]] = {
    "a machine": (MEMINFO, 600 * 1024),
    "a container without a limit": (
        {**MEMINFO, **GROUP, "sys/fs/cgroup/memory.max": "max\n"},
        600 * 1024,
    ),
    "a container with a limit": (
        {**MEMINFO, **GROUP, "sys/fs/cgroup/memory.max": "307200\n"},
        307_200 - 204_800 + 1024,
    ),
    "a container with more than the machine": (
        {**MEMINFO, **GROUP, "sys/fs/cgroup/memory.max": "307200000\n"},
        600 * 1024,
    ),
    "another system": ({}, None),
}


@pytest.mark.parametrize("case", MACHINES)
def test_free_memory_on_linux(tmp_path: Path, case: str) -> None:
    """What the machine has left, or less where a container has a limit."""
    files, expected = MACHINES[case]
    assert free_on_linux(machine(tmp_path, files)) == expected


def test_a_batch_fits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Half of the free memory is used, at least one row and at most as many as make sense."""
    each = row_bytes(SMOLLM2, torch.float32, 100)
    assert each is not None
    size = BatchSize(SMOLLM2, torch.float32, "cpu", "m", {})
    for free, rows in ((each * 20, 10), (each, 1), (0, 1), (each * 10_000, 128), (None, 128)):
        monkeypatch.setattr(memory, "free_bytes", lambda _, free=free: free)
        assert size.rows(100) == rows


def test_what_did_not_fit_is_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    """By tokens: shorter samples may be more, and another model begins on its own."""
    monkeypatch.setattr(memory, "free_bytes", lambda _: None)
    facts: dict[str, str] = {}
    assert BatchSize(SMOLLM2, torch.float32, "cpu", "m", facts).halve(64, 100) == 32
    again = BatchSize(SMOLLM2, torch.float32, "cpu", "m", facts)
    assert again.rows(100) == 32
    assert again.rows(50) == 64
    assert again.rows(10_000) == 1
    assert BatchSize(SMOLLM2, torch.float32, "cpu", "other", facts).rows(100) == 128
