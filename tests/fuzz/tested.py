"""A target as a test of hypothesis, which shortens what it finds and keeps it."""

from __future__ import annotations

from collections.abc import Callable

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.database import DirectoryBasedExampleDatabase

from tests.fuzz.targets import Target

__all__ = ["tested"]


def tested(target: Target, examples: int) -> Callable[[], None]:
    """What tries so many examples of a target."""

    @settings(
        max_examples=examples,
        deadline=None,
        database=DirectoryBasedExampleDatabase(".fuzz/hypothesis"),
        suppress_health_check=list(HealthCheck),
        phases=[Phase.reuse, Phase.generate, Phase.shrink],
    )
    @given(target.values)
    def test(value: object) -> None:
        target.check(value)

    return test
