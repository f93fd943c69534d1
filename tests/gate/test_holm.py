"""Holm over the bounds of a checkpoint, decided inside each test, whatever runs and in what order.

Thirty prompts of two samples each; some of them have collapsed to copies, so that the share of
the prompts decides how sure a loss is.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence

import pytest

HEAD = '[checkpoints]\nm = "replay:m.jsonl"\n[defaults]\nsamples_per_prompt = 2\n'


@pytest.fixture
def gates(project: pytest.Pytester) -> Callable[[Mapping[str, int]], pytest.Pytester]:
    """A project with a domain for each name, so many of whose 30 prompts have collapsed."""

    def make(collapsed: Mapping[str, int]) -> pytest.Pytester:
        lines = [
            {
                "domain": domain,
                "prompt": f"p{prompt}",
                "index": index,
                "text": " ".join(f"w{prompt}{index if prompt >= lost else 0}{i}" for i in range(8)),
            }
            for domain, lost in collapsed.items()
            for prompt in range(30)
            for index in range(2)
        ]
        text = "".join(f"{json.dumps(line)}\n" for line in lines)
        (project.path / "m.jsonl").write_text(text)
        budgets = "".join(
            f"[domains.{domain}.budget]\nlexical = {{ min = 0.96 }}\n" for domain in collapsed
        )
        (project.path / "diversity.toml").write_text(HEAD + budgets)
        return project

    return make


# Values are .5 for a prompt that collapsed and 1 for one that did not: with 5 of 30 the mean is
# .917 and p against .96 about .04; with 8 of 30 it is .867 and p about .005.
CASES: Mapping[str, tuple[Mapping[str, int], Mapping[str, str]]] = {
    "alone it fails": ({"a": 5}, {"a": "fail"}),
    "one of three may miss by chance": (
        {"a": 5, "b": 0, "c": 0},
        {"a": "unclear", "b": "pass", "c": "pass"},
    ),
    "a clear loss fails all the same": (
        {"a": 8, "b": 0, "c": 0},
        {"a": "fail", "b": "pass", "c": "pass"},
    ),
    "after clear losses the last needs no correction": (
        {"a": 5, "b": 12, "c": 12},
        {"a": "fail", "b": "fail", "c": "fail"},
    ),
}


@pytest.mark.parametrize(
    "arguments",
    [(), pytest.param(("-n", "2"), marks=pytest.mark.long)],
    ids=["one process", "two workers"],
)
@pytest.mark.parametrize("case", CASES)
def test_holm(
    gates: Callable[[Mapping[str, int]], pytest.Pytester], case: str, arguments: Sequence[str]
) -> None:
    """The verdicts are those of Holm over all bounds, in each test itself."""
    collapsed, expected = CASES[case]
    project = gates(collapsed)
    run = project.runpytest_subprocess if arguments else project.runpytest_inprocess
    result = run(*arguments)
    failed = list(expected.values()).count("fail")
    result.assert_outcomes(failed=failed, passed=len(expected) - failed)
    for domain, status in expected.items():
        result.stdout.fnmatch_lines([f"m *{domain} *lexical *{status} *30 x 2"])


@pytest.mark.parametrize("order", [("a", "b", "c"), ("c", "b", "a")])
def test_the_order_does_not_matter(
    gates: Callable[[Mapping[str, int]], pytest.Pytester], order: Sequence[str]
) -> None:
    """The first test to run knows what the others will find."""
    project = gates({"a": 5, "b": 12, "c": 12})
    ids = [f"diversity.toml::{domain}::lexical[m]" for domain in order]
    result = project.runpytest_inprocess(*ids)
    result.assert_outcomes(failed=3)
    result.stdout.fnmatch_lines(["*after Holm over 3 bounds: beyond the budget"])


def test_a_part_of_the_tests_has_the_verdicts_of_all(
    gates: Callable[[Mapping[str, int]], pytest.Pytester],
) -> None:
    """Recorded samples are at hand: what is not selected counts as it is."""
    project = gates({"a": 5, "b": 12, "c": 12})
    project.runpytest_inprocess("diversity.toml::a").assert_outcomes(failed=1)
    project = gates({"a": 5, "b": 0, "c": 0})
    result = project.runpytest_inprocess("diversity.toml::a")
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(
        [
            "Holm keeps 5 % false alarms over the bounds of a checkpoint: m 3",
            "warning: a lexical 0.917 < 0.960 (m): unclear",
        ]
    )


def test_without_correction(gates: Callable[[Mapping[str, int]], pytest.Pytester]) -> None:
    """Every bound then has 5 % of its own."""
    project = gates({"a": 5, "b": 0, "c": 0})
    result = project.runpytest_inprocess("--diversity-correction", "none")
    result.assert_outcomes(failed=1, passed=2)
    result = project.runpytest_inprocess("--diversity-correction", "bonferoni")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*unknown correction 'bonferoni' (command line); known: *"])


def test_an_undefined_neighbour_is_its_own_test_alone(
    gates: Callable[[Mapping[str, int]], pytest.Pytester],
) -> None:
    """A domain without samples fails its own test and leaves the others their verdicts."""
    project = gates({"a": 5, "b": 0})
    text = (project.path / "diversity.toml").read_text()
    gone = "[domains.gone.budget]\nlexical = { min = 0.5 }\n"
    (project.path / "diversity.toml").write_text(text + gone)
    result = project.runpytest_inprocess()
    result.assert_outcomes(failed=1, passed=2)
    result.stdout.fnmatch_lines(["*has no samples for domain 'gone'*"])
