"""Domains that tests name are looked up before anything is drawn."""

from __future__ import annotations

import pytest

# name -> (the test's body, the line and the name that are refused, or None)
BODIES = {
    "a method": ('diversity.assert_quality(domain="cod", min=0.1)', (6, "cod")),
    "a function": ('assert_lexical_diversity(domain="prse", min=0.1)', (6, "prse")),
    "a measure": (
        'x = 1\n    assert diversity.measure("validity", domain="cod").value',
        (7, "cod"),
    ),
    "in a condition": ('if diversity:\n        diversity.assert_quality(domain="cod")', (7, "cod")),
    "one that there is": ('diversity.assert_quality(domain="prose", min=0)', None),
    "one that is computed": (
        'name = "prose"\n    diversity.assert_quality(domain=name, min=0)',
        None,
    ),
    "an expected error": (
        'with pytest.raises(ConfigError):\n        diversity.assert_quality(domain="cod")',
        None,
    ),
    "another function's": ('print(dict(domain="cod"))', None),
}
HEAD = """import pytest
from pytest_diversity import assert_lexical_diversity
from pytest_diversity.errors import ConfigError

def test_it(diversity):
    """


@pytest.mark.parametrize("case", BODIES)
def test_domains_that_tests_name(project: pytest.Pytester, case: str) -> None:
    """A misspelt one ends the run with exit code 4, its file and line; what is right runs."""
    body, refused = BODIES[case]
    path = project.path / "test_it.py"
    path.write_text(f"{HEAD}{body}\n")
    result = project.runpytest_inprocess("-p", "no:cacheprovider", "test_it.py", "-k", "base")
    if refused is None:
        result.assert_outcomes(passed=1)
    else:
        assert result.ret == pytest.ExitCode.USAGE_ERROR
        line, name = refused
        result.stderr.fnmatch_lines(
            [f"ERROR: diversity: {path}:{line}: unknown domain {name!r}; did you mean *"]
        )


def test_a_test_that_is_left_out_may_name_anything(project: pytest.Pytester) -> None:
    """What does not run costs nothing."""
    project.makepyfile("def test_it(diversity): diversity.assert_quality(domain='cod')")
    result = project.runpytest_inprocess("-p", "no:cacheprovider", "-k", "not test_it and base")
    result.assert_outcomes(passed=3)
