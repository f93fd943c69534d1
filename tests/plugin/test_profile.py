"""`diversity.profile` and data frames in a test of a suite."""

from __future__ import annotations

import pytest

TEST = """
def test_profile(diversity, checkpoint):
    found = diversity.profile("prose")
    assert (found.checkpoint, found.domain, found.prompts) == (checkpoint.name, "prose", 8)
    assert found["lexical"].value == diversity.measure("ead(n=1, vocab=100)", domain="prose").value
    assert diversity.profile("code", checkpoint="base").checkpoint == "base"
    assert len(diversity.samples("prose").to_frame("pandas")) == 32
"""


def test_the_profile_of_a_checkpoint(project: pytest.Pytester) -> None:
    """By the metrics of the domain's budgets, of the checkpoint under test or another one."""
    config = project.path / "diversity.toml"
    metric = 'lexical = { metric = "ead(n=1, vocab=100)", min = 0.6 }'
    config.write_text(config.read_text().replace("lexical = { min = 0.6 }", metric))
    project.makepyfile(TEST)
    result = project.runpytest_inprocess("-p", "no:cacheprovider", "-k", "test_profile")
    result.assert_outcomes(passed=2)
