"""Rows that stay keep their keys and values, wherever in the buffers they lie."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest
import torch

from pytest_diversity.sampling.engines.transformers.buffers import spread
from pytest_diversity.sampling.engines.transformers.internals import DynamicCache

LENGTH = 5
KEPT: Mapping[str, Sequence[int]] = {
    "all": (0, 1, 2, 3),
    "the first": (0, 1),
    "the last in the place of the first": (3, 1, 2),
    "two that change places with others": (3, 2),
    "one": (2,),
}


@pytest.mark.parametrize("case", KEPT)
def test_rows_are_kept_in_the_order_that_is_asked_for(case: str) -> None:
    """With what was written before and is written after, and the prompts' own cache untouched."""
    read, states = DynamicCache(), torch.randn(2, 1, LENGTH, 3)
    read.update(states, -states, 0)
    share = torch.tensor([0, 1, 1, 0])
    cache, kept = spread(read, share), torch.tensor(KEPT[case])
    cache.batch_select_indices(kept)
    new = torch.randn(len(kept), 1, 1, 3)
    keys, values = cache.update(new, -new, 0)
    expected = torch.cat([states[share][kept], new], dim=2)
    torch.testing.assert_close(keys, expected)
    torch.testing.assert_close(values, -expected)
    prompts: Any = read.layers[0]
    torch.testing.assert_close(prompts.keys, states)
