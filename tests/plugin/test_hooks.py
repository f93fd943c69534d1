"""What a suite registers is registered once, however many files configure its run."""

from __future__ import annotations

import pytest

CONFTEST = """
from pytest_diversity import register_metric, register_sampler

def pytest_diversity_register_metrics():
    def shouted(tokens):
        return 1.0

    print("metrics registered")
    register_metric(shouted, family="lexical", better="up", highest=1)

def pytest_diversity_register_samplers():
    def draw(name, requests):
        return []

    print("samplers registered")
    register_sampler("hooked", draw, version="1")
"""
CONFIG = """
[checkpoints]
m = "replay:../base.jsonl"
[domains.d.budget]
lexical = { min = 0.5, metric = "shouted" }
"""


def test_hooks_are_called_once_a_run(project: pytest.Pytester) -> None:
    """Two files, and functions that are defined within the hooks: each is registered once."""
    (project.path / "diversity.toml").unlink()
    project.makeconftest(CONFTEST)
    for name in ("one", "two"):
        folder = project.mkdir(name)
        (folder / "diversity.toml").write_text(CONFIG)
    result = project.runpytest_inprocess("-s")
    result.assert_outcomes(passed=2)
    said = result.stdout.str()
    assert said.count("metrics registered") == 1
    assert said.count("samplers registered") == 1
