"""The fixtures: `checkpoint`, `diversity`, `samples`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import pytest

from pytest_diversity.plugin import current
from pytest_diversity.plugin.discovery import find_config

if TYPE_CHECKING:  # loading the plugin must import nothing heavy
    from pytest_diversity.config.values import Checkpoint
    from pytest_diversity.plugin.assertions import Diversity
    from pytest_diversity.samples import SampleSet

__all__ = ["_diversity_checkpoint", "checkpoint", "diversity", "samples"]


@pytest.fixture(scope="session")
def _diversity_checkpoint(request: pytest.FixtureRequest) -> str:
    """The name of the checkpoint under test: what the plugin parametrises."""
    name: str = request.param
    return name


@pytest.fixture(scope="session")
def checkpoint(request: pytest.FixtureRequest, _diversity_checkpoint: str) -> Checkpoint:
    """The checkpoint under test; a test that uses it runs once for each of them."""
    from pytest_diversity.plugin.runs import session_of  # noqa: PLC0415 - heavy

    session = session_of(request.config, find_config(request.config))
    return session.config.checkpoint(_diversity_checkpoint)


@pytest.fixture
def diversity(request: pytest.FixtureRequest, checkpoint: Checkpoint) -> Iterator[Diversity]:
    """The checkpoint under test with its samples, measures and assertions."""
    from pytest_diversity.plugin.assertions import Diversity  # noqa: PLC0415 - heavy
    from pytest_diversity.plugin.runs import session_of  # noqa: PLC0415 - heavy

    session = session_of(request.config, find_config(request.config))
    token = current.test.set((session, checkpoint.name))
    try:
        yield Diversity(session, checkpoint.name)
    finally:
        current.test.reset(token)


@pytest.fixture
def samples(diversity: Diversity) -> Callable[..., SampleSet]:
    """A function that gives the samples of the checkpoint under test in a domain."""
    return diversity.samples
