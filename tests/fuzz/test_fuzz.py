"""Some examples of every target, and all that was ever found; `make fuzz` tries more."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings

from tests.fuzz.targets import TARGETS

KNOWN = [(name, value) for name, target in TARGETS.items() for value in target.known]


@pytest.mark.parametrize(("name", "value"), KNOWN)
def test_what_was_found_stays_mended(name: str, value: object) -> None:
    """Each was once something else than an answer or a sentence."""
    TARGETS[name].check(value)


@pytest.mark.long
@pytest.mark.parametrize("name", TARGETS)
def test_any_input_is_used_or_refused(name: str) -> None:
    """In a sentence that says where, and no other way."""

    @settings(max_examples=300, suppress_health_check=list(HealthCheck), database=None)
    @given(TARGETS[name].values)
    def test(value: object) -> None:
        TARGETS[name].check(value)

    test()
