"""Some moments of every scenario; `make faults` tries a hundred of each."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.faults.scenarios import Workshop
from tests.faults.table import SCENARIOS

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def workshop() -> Iterator[Workshop]:
    """Where they are tried."""
    with Workshop.opened() as one:
        yield one


@pytest.mark.parametrize("name", [name for name, one in SCENARIOS.items() if not one.lacks])
def test_what_is_promised_holds(workshop: Workshop, name: str) -> None:
    """Nothing lost, nothing twice, no other value, and a sentence."""
    assert workshop.try_all(name, SCENARIOS[name], moments=2, seed=0).broken == {}
