"""Quality control and narrowing add up to the change, whatever the samples."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_diversity import metrics
from pytest_diversity.statistics.split import split

SAMPLES = st.lists(st.tuples(st.integers(0, 3), st.booleans()), min_size=2, max_size=9)


def _side(samples):
    labels, valid = [one for one, _ in samples], [one for _, one in samples]
    return metrics.effective_pairs(labels, valid), metrics.valid_pairs(valid)


@given(SAMPLES, SAMPLES)
def test_the_parts_are_the_loss_and_change_sign_with_the_sides(one, two):
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
def test_each_part_has_what_is_its_own(before, after, expected):
    assert split(before, after) == pytest.approx(expected)
