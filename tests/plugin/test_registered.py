"""What a suite's hooks register is known wherever it is asked for, and each is called once."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

HOOKS = """
from pytest_diversity import Sample, metrics, register_sampler, register_kind
from pytest_diversity.domains.prose import PROSE
from dataclasses import replace

def shouting(texts, *, times: int = 1):
    return sum(text.isupper() for text in texts) / len(texts) * times

def pytest_diversity_register_metrics():
    print("metrics asked for")
    metrics.register(shouting, family="lexical", better="up")
    register_kind(replace(PROSE, name="letters"))
"""
MEASURE = """
from pytest_diversity import measure

def test_it():
    assert measure(["A", "b"], "shouting").value == 0.5
"""
KIND = """
from pytest_diversity import measure
from pytest_diversity.config.values import Domain

def test_it():
    assert measure(["a b", "a c"], "distinct", domain=Domain("mine", kind="letters")).value
"""
CONFIGURED = '[checkpoints]\none = "replay:base.jsonl"\n'

SUITES: Mapping[str, Mapping[str, str]] = {
    "a plain test without a configuration": {"conftest.py": HOOKS, "test_a.py": MEASURE},
    "a kind of domain": {"conftest.py": HOOKS, "test_a.py": KIND},
    "a plain test beside a configuration": {
        "conftest.py": HOOKS,
        "test_a.py": MEASURE,
        "diversity.toml": CONFIGURED,
    },
    "a conftest file of a folder": {
        "sub/conftest.py": HOOKS,
        "sub/test_a.py": MEASURE,
        "diversity.toml": CONFIGURED,
    },
}


@pytest.mark.parametrize("case", SUITES)
def test_what_hooks_register_is_known_in_any_test(project: pytest.Pytester, case: str) -> None:
    """No fixture is needed, and two tests ask once."""
    (project.path / "diversity.toml").unlink(missing_ok=True)
    for name, text in SUITES[case].items():
        path = project.path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        if name.endswith("test_a.py"):
            path.with_name("test_b.py").write_text(text)
    result = project.runpytest_subprocess("-s", "--import-mode=importlib", "-p", "no:cacheprovider")
    result.assert_outcomes(passed=2)
    assert str(result.stdout).count("metrics asked for") == 1


def test_an_unused_hook_is_not_called(project: pytest.Pytester) -> None:
    """A suite that looks for nothing of its own is not asked."""
    (project.path / "diversity.toml").unlink(missing_ok=True)
    project.makeconftest(HOOKS)
    project.makepyfile(MEASURE.replace("shouting", "distinct(n=1)").replace("== 0.5", "> 0"))
    result = project.runpytest_subprocess("-s", "-p", "no:cacheprovider")
    result.assert_outcomes(passed=1)
    assert "metrics asked for" not in str(result.stdout)


def test_samples_of_another_checkpoint(project: pytest.Pytester) -> None:
    """A test that takes the one under test may read its reference's, and each says its domain."""
    project.makepyfile(
        """
        def test_it(diversity, samples):
            base = diversity.samples("prose", checkpoint="base")
            assert base.samples and samples("prose", checkpoint="base") is base
            assert {one.domain for one in base.samples} == {"prose"}
            if diversity.checkpoint == "dpo":
                assert list(diversity.samples("prose").samples) != list(base.samples)
        """
    )
    result = project.runpytest_inprocess("-k", "test_it")
    result.assert_outcomes(passed=2, deselected=6)
