"""What is done for a CPU's sake changes no result."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import torch
from torch.nn.functional import pad
from transformers import AutoModelForCausalLM, LlamaConfig, LlamaForCausalLM
from transformers.integrations.sdpa_attention import sdpa_attention_forward

from pytest_diversity.sampling.engines.transformers.attention import _attend, beginning, fold_heads
from pytest_diversity.sampling.engines.transformers.packing import packed

ROWS, KEYS, LENGTH, SIZE = 3, 2, 7, 8
MASK = torch.ones(ROWS, 1, 1, LENGTH, dtype=torch.bool)
MASK[1, :, :, :4] = False
ATTENTION = {
    "grouped heads": (4, 1, None),
    "grouped heads, padded rows": (4, 1, MASK),
    "grouped heads, a mask of numbers": (4, 1, torch.where(MASK, 0.0, -1e9)),
    "a mask for each head": (4, 1, MASK.expand(-1, 4, -1, -1)),
    "one head of keys for each of queries": (2, 1, None),
    "several tokens": (4, LENGTH, None),
}


class States(NamedTuple):
    """What a layer attends with, and the mask."""

    module: Any
    query: torch.Tensor
    key: torch.Tensor
    value: torch.Tensor
    mask: torch.Tensor | None


def states(case: str) -> States:
    """Those of a case, the same at each call."""
    heads, tokens, mask = ATTENTION[case]
    module: Any = torch.nn.Module()
    module.num_key_value_groups = heads // KEYS
    module.is_causal = True
    generator = torch.Generator().manual_seed(0)
    shapes = ((heads, tokens), (KEYS, LENGTH), (KEYS, LENGTH))
    query, key, value = (torch.randn(ROWS, *s, SIZE, generator=generator) for s in shapes)
    return States(module, query, key, value, mask)


@pytest.mark.parametrize("case", ATTENTION)
def test_folded_heads_attend_as_they_would_apart(case: str) -> None:
    """The same as transformers' own attention, up to float32's rounding."""
    expected, _ = sdpa_attention_forward(*states(case), scaling=0.3)
    found, _ = _attend(*states(case), scaling=0.3)
    torch.testing.assert_close(found, expected)


@pytest.mark.parametrize("scale", [None, 0.3], ids=["its own scale", "a scale of the model"])
@pytest.mark.parametrize("case", ATTENTION)
def test_buffers_are_attended_to_as_far_as_they_are_filled(case: str, scale: float | None) -> None:
    """In bfloat16 whole buffers are multiplied: the same, up to the rounding of bfloat16."""
    module, *parts, mask = states(case)
    query, key, value = (part.bfloat16() for part in parts)
    exact = States(module, query.float(), key.float(), value.float(), mask)
    expected, _ = sdpa_attention_forward(*exact, scaling=scale)
    keys, values = (beginning(pad(part, (0, 0, 0, 5)), LENGTH) for part in (key, value))
    found, _ = _attend(module, query, keys, values, mask, scaling=scale)
    torch.testing.assert_close(found.float(), expected, rtol=0.02, atol=0.02)


def test_heads_are_folded_where_transformers_chooses_its_own_attention(tiny: Path) -> None:
    """A model that was loaded with another attention keeps it."""
    model: Any = AutoModelForCausalLM.from_pretrained(tiny)
    fold_heads(model)
    assert model.config._attn_implementation == "pytest_diversity"
    eager: Any = AutoModelForCausalLM.from_pretrained(tiny, attn_implementation="eager")
    fold_heads(eager)
    assert eager.config._attn_implementation == "eager"


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=["float32", "bfloat16"])
def test_packed_weights_multiply_as_plain_ones(tiny: Path, dtype: torch.dtype) -> None:
    """Inside, the logits are those of plain weights; afterwards the layers are as they were."""
    model: Any = AutoModelForCausalLM.from_pretrained(tiny, dtype=dtype)
    ids = torch.arange(5, 25).reshape(4, 5)
    with torch.inference_mode():
        expected = model(ids).logits
        with packed(model):
            found = model(ids).logits
    torch.testing.assert_close(found, expected)
    assert not any("forward" in vars(module) for module in model.modules())


def test_packed_weights_are_those_of_now() -> None:
    """Weights that change between two batches, as an adapter's do, are packed anew."""
    config: Callable[..., Any] = LlamaConfig
    small = config(hidden_size=32, intermediate_size=32, num_hidden_layers=1, vocab_size=16)
    model: Any = LlamaForCausalLM(small)
    ids = torch.arange(8)[None]
    with torch.inference_mode():
        with packed(model):
            before = model(ids).logits
        model.lm_head.weight.mul_(2)
        with packed(model):
            torch.testing.assert_close(model(ids).logits, 2 * before)


def test_a_model_whose_copy_may_not_fit_is_left_as_it_is(
    tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Above the limit no layer is touched."""
    monkeypatch.setattr("pytest_diversity.sampling.engines.transformers.packing._MOST", 1000)
    model: Any = AutoModelForCausalLM.from_pretrained(tiny)
    with packed(model):
        assert not any("forward" in vars(module) for module in model.modules())
