"""Allure, where it is installed: it knows a test by its name and parameters, and not by its id."""

from __future__ import annotations

import pytest

from pytest_diversity.gate.bounds import Gate

__all__ = ["tell_allure"]


def tell_allure(config: pytest.Config, gate: Gate) -> None:
    """Tell gates of different checkpoints apart, of which one would hide the other as a retry."""
    if not config.pluginmanager.has_plugin("allure_pytest"):
        return
    import allure  # noqa: PLC0415 - where it is installed

    allure.dynamic.parameter("checkpoint", gate.checkpoint)
