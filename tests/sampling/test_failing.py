"""What an engine raises and nobody expected."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from pytest_diversity.sampling.engines.transformers import local

__all__ = ["local"]  # imported here, and so the same in every run of this process

_SUITE = """
import pytest

class Dice:
    def sample(self, requests, progress):
        raise KeyError("pips")

    def swap(self, model):
        return False

    def close(self):
        pass

@pytest.fixture(autouse=True)
def broken(monkeypatch):
    where = "pytest_diversity.sampling.engines.transformers.local.LocalModel.load"
    monkeypatch.setattr(where, lambda self, progress: Dice())

def test_it(diversity, checkpoint):
    diversity.samples("creative_writing")
"""


@pytest.fixture
def broken(pytester: pytest.Pytester, hollow_model: Callable[[Path], Path]) -> pytest.Pytester:
    """A project whose engine fails in a way that it does not know."""
    hollow_model(pytester.path / "model")
    pytester.makepyfile(_SUITE)
    return pytester


@pytest.mark.parametrize(
    ("options", "whole"), [((), False), (("-v",), True), (("--diversity-debug",), True)]
)
def test_an_unexpected_error_is_one_sentence(
    broken: pytest.Pytester, options: tuple[str, ...], *, whole: bool
) -> None:
    """It has the error's name; where it came from is shown to those who ask."""
    result = broken.runpytest("--diversity-checkpoint=m=model", "--diversity-device=cpu", *options)
    output = result.stdout.str()
    assert "sampling failed: KeyError: 'pips'; --diversity-debug shows where" in output
    assert ('raise KeyError("pips")' in output) == whole
    assert ("in sample" in output) == whole
