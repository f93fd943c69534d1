"""The fixtures: `checkpoint`, `diversity`, `samples`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import pytest

from pytest_diversity.discovery import find_config

if TYPE_CHECKING:  # loading the plugin must import nothing heavy
    from pytest_diversity.assertions import Diversity
    from pytest_diversity.config import Checkpoint
    from pytest_diversity.samples import SampleSet

__all__ = ["checkpoint", "diversity", "samples"]


@pytest.fixture(scope="session")
def checkpoint(request: pytest.FixtureRequest) -> Checkpoint:
    """The checkpoint under test; a test that uses it runs once for each of them."""
    from pytest_diversity.wiring import session_of  # noqa: PLC0415 - heavy

    session = session_of(request.config, find_config(request.config))
    return session.config.checkpoint(request.param)


@pytest.fixture
def diversity(request: pytest.FixtureRequest, checkpoint: Checkpoint) -> Iterator[Diversity]:
    """The checkpoint under test with its samples, measures and assertions."""
    from pytest_diversity.assertions import Diversity, active  # noqa: PLC0415 - heavy
    from pytest_diversity.wiring import session_of  # noqa: PLC0415 - heavy

    found = Diversity(session_of(request.config, find_config(request.config)), checkpoint.name)
    token = active.set(found)
    try:
        yield found
    finally:
        active.reset(token)


@pytest.fixture
def samples(diversity: Diversity) -> Callable[[str], SampleSet]:
    """A function that gives the samples of the checkpoint under test in a domain."""
    return diversity.samples
