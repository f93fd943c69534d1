"""The fixtures: `checkpoint`, `diversity`, `samples`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import pytest

from pytest_diversity.plugin import current

if TYPE_CHECKING:  # loading the plugin must import nothing heavy
    from pytest_diversity.config.values import Checkpoint
    from pytest_diversity.plugin.assertions import Diversity
    from pytest_diversity.samples import SampleSet
    from pytest_diversity.session import UnderTest

__all__ = ["_diversity_checkpoint", "checkpoint", "diversity", "samples"]


@pytest.fixture(scope="session")
def _diversity_checkpoint(request: pytest.FixtureRequest) -> Iterator[UnderTest]:
    """The checkpoint under test: what the plugin parametrises."""
    under_test: UnderTest = request.param
    yield under_test
    under_test.session.workspace.release()


@pytest.fixture(scope="session")
def checkpoint(_diversity_checkpoint: UnderTest) -> Checkpoint:
    """The checkpoint under test; a test that uses it runs once for each of them."""
    session, name = _diversity_checkpoint
    return session.config.checkpoint(name)


@pytest.fixture
def diversity(_diversity_checkpoint: UnderTest) -> Iterator[Diversity]:
    """The checkpoint under test with its samples, measures and assertions."""
    from pytest_diversity.plugin.assertions import Diversity  # noqa: PLC0415 - heavy

    token = current.test.set(_diversity_checkpoint)
    try:
        yield Diversity(*_diversity_checkpoint)
    finally:
        current.test.reset(token)


@pytest.fixture
def samples(diversity: Diversity) -> Callable[..., SampleSet]:
    """A function that gives the samples of the checkpoint under test in a domain."""
    return diversity.samples
