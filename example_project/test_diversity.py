"""What the keys of `diversity.toml` cannot say is a test in Python; it runs for each checkpoint."""

from __future__ import annotations

from collections.abc import Callable

from pytest_diversity import SampleSet

_WORDS = 4


def test_stories_begin_differently(samples: Callable[..., SampleSet]) -> None:
    """Of most prompts, not half of the answers begin with the same words."""
    alike = 0
    for group in samples("creative_writing").values():
        openings = [" ".join(one.text.split()[:_WORDS]).casefold() for one in group]
        commonest = max(map(openings.count, openings))
        alike += commonest > len(openings) / 2
    assert alike <= len(samples("creative_writing")) / 2
