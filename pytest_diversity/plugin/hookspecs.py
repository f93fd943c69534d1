"""Hooks that other plugins and conftest files may implement, and when they are called."""

from __future__ import annotations

import pytest

__all__ = [
    "pytest_diversity_register_judges",
    "pytest_diversity_register_metrics",
    "pytest_diversity_register_samplers",
    "register",
]

_REGISTERED = pytest.StashKey[bool]()


@pytest.hookspec(historic=True)
def pytest_diversity_register_metrics() -> None:
    """Register metrics of one's own with `pytest_diversity.metrics.register`.

    Called once, before the first metric is looked up that is not ours.
    """


@pytest.hookspec(historic=True)
def pytest_diversity_register_samplers() -> None:
    """Register samplers of one's own with `pytest_diversity.register_sampler`.

    Called once, before the first checkpoint is looked for.
    """


@pytest.hookspec(historic=True)
def pytest_diversity_register_judges() -> None:
    """Register judges of quality of one's own with `pytest_diversity.register_judge`.

    Called once, before the first domain is checked.
    """


def register(config: pytest.Config) -> None:
    """Let the suite's hooks register what they have, once a run.

    A conftest file that is met later registers at once what it has.
    """
    if config.stash.setdefault(_REGISTERED, False):
        return
    config.stash[_REGISTERED] = True
    config.hook.pytest_diversity_register_metrics.call_historic()
    config.hook.pytest_diversity_register_samplers.call_historic()
    config.hook.pytest_diversity_register_judges.call_historic()
