"""Hooks that other plugins and conftest files may implement."""

from __future__ import annotations

import pytest

__all__ = ["pytest_diversity_register_metrics", "pytest_diversity_register_samplers"]


@pytest.hookspec
def pytest_diversity_register_metrics() -> None:
    """Register metrics of one's own with `pytest_diversity.metrics.register`.

    Called once, before the first metric is looked up.
    """


@pytest.hookspec
def pytest_diversity_register_samplers() -> None:
    """Register samplers of one's own with `pytest_diversity.register_sampler`.

    Called once, before the first checkpoint is looked for.
    """
