"""Quality control and narrowing add up to the change, whatever the samples."""

from __future__ import annotations

from typing import TypeAlias

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_diversity import metrics
from pytest_diversity.statistics.split import split

Samples: TypeAlias = list[tuple[int, bool]]
Pair: TypeAlias = tuple[float, float]
SAMPLES = st.lists(st.tuples(st.integers(0, 3), st.booleans()), min_size=2, max_size=9)


def _side(samples: Samples) -> tuple[float, float]:
    labels, valid = [one for one, _ in samples], [one for _, one in samples]
    value, quality = metrics.effective_pairs(labels, valid), metrics.valid_pairs(valid)
    assert value is not None
    assert quality is not None
    return value, quality


@given(SAMPLES, SAMPLES)
def test_the_parts_are_the_loss_and_change_sign_with_the_sides(one: Samples, two: Samples) -> None:
    """An identity of every prompt, whichever side is called the first."""
    before, after = _side(one), _side(two)
    quality, narrowing = split(before, after)
    assert quality + narrowing == pytest.approx(before[0] - after[0], abs=1e-12)
    assert split(after, before) == pytest.approx((-quality, -narrowing), abs=1e-12)


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        pytest.param((0.4, 0.5), (0.2, 0.25), (0.2, 0.0), id="only fewer are valid"),
        pytest.param((0.4, 0.5), (0.2, 0.5), (0.0, 0.2), id="only the valid ones are more alike"),
        pytest.param((0.4, 0.5), (0.0, 0.0), (0.4, 0.0), id="no valid pair: all is quality"),
        pytest.param((0.0, 0.0), (0.0, 0.0), (0.0, 0.0), id="none on either side"),
    ],
)
def test_each_part_has_what_is_its_own(before: Pair, after: Pair, expected: Pair) -> None:
    """A loss of one kind alone is found in its part alone."""
    assert split(before, after) == pytest.approx(expected)
