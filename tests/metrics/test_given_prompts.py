"""Metrics that look at more than the answers of one checkpoint."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from numpy.typing import NDArray

from pytest_diversity import metrics as m
from pytest_diversity.errors import ConfigError
from pytest_diversity.estimate import measure

ROWS = arrays.arrays(
    np.float64, st.tuples(st.integers(1, 6), st.just(3)), elements=st.floats(-1, 1, width=32)
)


@given(ROWS)
def test_prompts_take_diversity_away(rows: NDArray[np.float64]) -> None:
    """Between 1 and the number of samples; with one prompt for all it is the Vendi score."""
    one = m.conditional_vendi(rows, np.ones((len(rows), 2)))
    assert one == pytest.approx(m.vendi(rows), rel=1e-6)
    value = m.conditional_vendi(rows, rows[::-1])
    assert value is not None
    assert 1 - 1e-9 <= value <= len(rows) + 1e-9


def test_the_separation_of_one_distribution_is_zero_on_average() -> None:
    """Whatever the numbers of samples, which is why both means leave a sample's own pair out."""
    random = np.random.default_rng(0)
    for ours, theirs in ((2, 2), (3, 9)):
        values = [
            m.separation(random.random((ours, 4)), random.random((theirs, 4))) for _ in range(2_000)
        ]
        found = np.array(values, dtype=float)
        assert abs(found.mean()) < 4 * found.std() / np.sqrt(len(found))


def test_too_few_samples_have_no_separation() -> None:
    """One answer has no pair of its own."""
    assert m.separation([[1, 0]], [[1, 0], [0, 1]]) is None


WRONG: Mapping[str, tuple[Callable[..., float | None], tuple[Any, Any], str]] = {
    "prompts are missing": (m.conditional_vendi, ([[1, 0]] * 2, [[1, 0]]), "do not belong"),
    "two embedders": (m.separation, (np.eye(2), np.eye(3)), "embeddings of 2 and 3 numbers"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_does_not_belong_together(case: str) -> None:
    """One sentence."""
    metric, arguments, message = WRONG[case]
    with pytest.raises(ConfigError, match=message):
        metric(*arguments)


def _embed(texts: Sequence[str]) -> NDArray[np.float32]:
    """Cities lie in one direction, all else in another; a question as it is about them."""
    return np.array([[1, 0] if "city" in t else [0, 1] for t in texts], dtype=np.float32)


def test_measured_against_another_checkpoint() -> None:
    """The reference's answers are embedded as ours are; without them it is undefined."""
    ours, theirs = {"p": ["city", "city"], "q": ["city"] * 2}, {"p": ["x", "y"], "q": ["city"] * 2}
    found = measure(ours, "separation()", reference=theirs, embed=_embed)
    assert found.per_prompt == {"p": 1.0, "q": 0.0}
    alone = measure(ours, "separation()", embed=_embed)
    assert alone.value is None
    assert alone.reason is not None
    assert "reference=" in alone.reason


def test_given_the_prompts() -> None:
    """Across prompts, answers that follow from them alone add nothing."""
    follows = {"a city?": ["city"] * 2, "a fruit?": ["fruit"] * 2}
    found = measure(follows, "conditional_vendi()", across=True, embed=_embed)
    assert found.value == pytest.approx(1)
    plain = measure(follows, "vendi()", across=True, embed=_embed)
    assert plain.value == pytest.approx(2)
