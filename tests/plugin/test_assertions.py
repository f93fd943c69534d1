"""Assertions in tests: as functions, as methods, on the checkpoint or on samples at hand."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

NO_CACHE = ("-p", "no:cacheprovider")


def run(project: pytest.Pytester, code: str, *arguments: str) -> pytest.RunResult:
    """Run a test file alone, with the configuration of the project."""
    project.makepyfile(test_it=f"from pytest_diversity import *\nimport pytest\n\n{code}")
    return project.runpytest_inprocess(*NO_CACHE, "test_it.py", *arguments)


PASSING: Mapping[str, str] = {
    "a function": "assert_lexical_diversity(domain='prose', min=0.9)",
    "a method": "diversity.assert_lexical_diversity(domain='prose', min=0.9)",
    "a maximum": "diversity.assert_lexical_diversity(domain='prose', min=0.9, max=1.0)",
    "parts of speech": "assert_syntactic_diversity(domain='prose', min=0.01)",
    "quality": "assert_quality(domain='prose', min=0.9)",
    "structure": "assert_syntactic_diversity(domain='code', level='warn', min=0.1)",
    "the budget of the file": "assert_lexical_diversity(domain='code')",
    "a metric of its own": (
        "assert assert_lexical_diversity(domain='prose', metric='distinct(n=2)', min=0.1)"
        ".metric == 'distinct(n=2)'"
    ),
    "no regression against oneself": (
        "diversity.assert_no_regression(domain='prose', family='lexical', reference='base')"
    ),
    "no regression against a worse one": (
        "assert_no_diversity_regression(domain='prose', family='lexical', reference='dpo')"
    ),
    "a change in percent": (
        "assert_lexical_diversity(domain='prose', max_drop='10%', reference='base')"
    ),
    "the default reference": "assert_lexical_diversity(domain='prose', max_drop=0.1)",
    "samples for a reference": (
        "assert_lexical_diversity(domain='prose', max_drop=0.1, "
        "reference={f'p{i}': ['a a a a a'] * 4 for i in range(8)})"
    ),
    "samples at hand": "assert_lexical_diversity(['a b c d', 'e f g h'], domain='prose', min=0.9)",
    "samples by prompt": (
        "assert_lexical_diversity({'p': ['a b c d', 'e f g h']}, domain='prose', min=0.9)"
    ),
    "a sample set against a checkpoint": (
        "assert_no_diversity_regression(diversity.samples('prose'), domain='prose', "
        "family='lexical', reference='base')"
    ),
    "a level that only measures": "assert_lexical_diversity(domain='prose', max=0, level='off')",
    "the verdict": (
        "verdict = assert_lexical_diversity(domain='prose', min=0.5)\n"
        "    assert (verdict.status, verdict.checkpoint, verdict.prompts) == ('pass', 'base', 8)"
    ),
    "a measure": (
        "estimate = diversity.measure('pair_distinct(n=4)', domain='prose')\n"
        "    assert len(estimate.per_prompt) == 8"
    ),
    "the samples fixture": "assert samples('prose')['p0'][0].text",
    "the checkpoint fixture": "assert checkpoint.source == 'replay:base.jsonl'",
}


PART = """
def test_part(diversity):
    verdict = assert_effective_diversity(
        domain="prose", max_narrowing=1.0, reference="dpo", quality="well_formed"
    )
    assert set(verdict.split) == {"quality", "narrowing"}
"""


@pytest.mark.long
def test_a_part_of_a_change(project: pytest.Pytester) -> None:
    """An assertion may bound it, and its verdict says both."""
    project.makepyfile(test_it=f"from pytest_diversity import *\n{PART}")
    result = project.runpytest_subprocess(*NO_CACHE, "test_it.py", "--diversity-checkpoint", "base")
    result.assert_outcomes(passed=1)


def test_assertions_that_hold(project: pytest.Pytester) -> None:
    """Every form of every assertion works on a healthy checkpoint, and says so in the summary."""
    tests = "\n".join(
        f"def test_{number}(diversity, checkpoint, samples):  # {case}\n    {code}\n"
        for number, (case, code) in enumerate(PASSING.items())
    )
    result = run(project, tests, "--diversity-checkpoint", "base")
    result.assert_outcomes(passed=len(PASSING))


FAILING: Mapping[str, tuple[str, str]] = {
    "a minimum": (
        "assert_lexical_diversity(domain='prose', min=0.9)",
        "prose lexical 0.500 < 0.900 (dpo)",
    ),
    "a method": (
        "diversity.assert_lexical_diversity(domain='prose', min=0.9)",
        "prose lexical 0.500 < 0.900 (dpo)",
    ),
    "a maximum": (
        "assert_lexical_diversity(domain='prose', max=0.1)",
        "prose lexical 0.500 > 0.100 (dpo)",
    ),
    "the budget of the file": (
        "assert_lexical_diversity(domain='code')",
        "code lexical drop 50.0% > 20% (dpo)",
    ),
    "a regression": (
        "diversity.assert_no_regression(domain='prose', family='lexical', max_drop='10%')",
        "prose lexical drop 50.0% > 10% (dpo)",
    ),
    "any regression": (
        "diversity.assert_no_regression(domain='prose', family='lexical')",
        "prose lexical drop 0.500 > 0 (dpo)",
    ),
    "samples at hand": (
        "assert_lexical_diversity(['a b c d'] * 3, domain='prose', min=0.9)",
        "prose lexical 0.500 < 0.900",
    ),
    "samples against a checkpoint": (
        (
            "same = {f'p{i}': ['a b c d'] * 3 for i in range(6)}; "
            "assert_lexical_diversity(same, domain='prose', max_drop=0)"
        ),
        "prose lexical drop 0.500 > 0",
    ),
    "undefined": (
        "assert_effective_diversity(domain='code', min=0.1)",
        "code effective undefined (dpo)",
    ),
    "one sample of each prompt": (
        "assert_lexical_diversity({'p': ['a b c d'], 'q': ['a b c d']}, domain='prose', min=0.1)",
        "prose lexical undefined",
    ),
    "an unknown domain": (
        "assert_lexical_diversity(domain=str('pose'), min=0.1)",
        "unknown domain 'pose'; did you mean 'prose'?",
    ),
    "an unknown family": (
        "diversity.assert_no_regression(domain='prose', family='lexcal')",
        "unknown family 'lexcal'; did you mean 'lexical'?",
    ),
    "an unknown metric": (
        "assert_lexical_diversity(domain='prose', min=0.1, metric='pair_distinkt')",
        "unknown metric 'pair_distinkt'; did you mean 'pair_distinct'?",
    ),
    "a metric of another family": (
        "assert_lexical_diversity(domain='prose', min=0.1, metric='validity')",
        "validity() measures quality, not lexical; move the budget to 'quality', or name *",
    ),
    "an unknown argument": (
        "assert_lexical_diversity(domain='prose', mim=0.1)",
        "unknown argument 'mim'; did you mean 'min'?",
    ),
    "an unknown reference": (
        "diversity.assert_no_regression(domain='prose', family='lexical', reference='bsae')",
        "unknown checkpoint 'bsae'; did you mean 'base'?",
    ),
    "an unknown level": (
        "assert_lexical_diversity(domain='prose', min=0.1, level='warning')",
        "unknown level 'warning'; did you mean 'warn'?",
    ),
    "a bound in quotes": (
        "assert_lexical_diversity(domain='prose', min='0.1')",
        "min must be a number, not '0.1'; write it as 0.4",
    ),
    "no bound anywhere": (
        "assert_quality(domain='prose')",
        "no bound for prose quality; give min, *, worst_group_min, or a bud*",
    ),
    "a text in place of texts": (
        "assert_lexical_diversity('a b c d', domain='prose', min=0.1)",
        "samples must be a SampleSet, a mapping from prompts to lists of texts, or a list of *",
    ),
    "no samples": (
        "assert_lexical_diversity([], domain='prose', min=0.1)",
        "domain 'prose' has no samples to measure; draw some first",
    ),
}


def test_assertions_that_fail(project: pytest.Pytester) -> None:
    """The short summary shows the headline, or the sentence that says what is wrong."""
    tests = "\n".join(
        f"def test_{number}(diversity):  # {case}\n    {code}\n"
        for number, (case, (code, _)) in enumerate(FAILING.items())
    )
    result = run(project, tests, "--diversity-checkpoint", "dpo")
    result.assert_outcomes(failed=len(FAILING))
    for number, (_, message) in enumerate(FAILING.values()):
        result.stdout.fnmatch_lines([f"FAILED test_it.py::test_{number}[[]dpo[]] - {message}"])


def test_a_failure_points_into_the_test(project: pytest.Pytester) -> None:
    """The traceback ends at the assertion, with the evidence under it."""
    code = "def test_a(diversity):\n    assert_lexical_diversity(domain='prose', min=0.9)\n"
    result = run(project, code, "--diversity-checkpoint", "dpo")
    result.stdout.fnmatch_lines(
        [
            ">       assert_lexical_diversity(domain='prose', min=0.9)",
            "E       *BudgetFailure: prose lexical 0.500 < 0.900 (dpo)",
            "E         one-sided 95 % upper bound 0.500, p < 0.0001: beyond the budget",
            "test_it.py:5: BudgetFailure",
        ]
    )
    result.stdout.no_fnmatch_line("*assertions.py*")


def test_without_a_checkpoint_samples_must_be_given(project: pytest.Pytester) -> None:
    """A test that takes no fixture has no checkpoint under test."""
    code = "def test_a():\n    assert_lexical_diversity(domain='prose', min=0.9)\n"
    result = run(project, code)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        ["FAILED *there is no checkpoint under test here; let the test take the diversity fixture*"]
    )


def test_without_a_fixture_the_configuration_holds(project: pytest.Pytester) -> None:
    """Samples at hand are judged by the budgets of the file, in a unittest too."""
    code = (
        "import unittest\n"
        "class TestIt(unittest.TestCase):\n"
        "    def test_a(self):\n"
        "        with pytest.raises(BudgetFailure, match='prose lexical 0.500 < 0.600'):\n"
        "            assert_lexical_diversity(['a b c d'] * 3, domain='prose')\n"
    )
    run(project, code).assert_outcomes(passed=1)


def test_tests_run_once_for_each_checkpoint(project: pytest.Pytester) -> None:
    """The ids are the names, and combine with classes, methods and other parameters."""
    code = (
        "class TestIt:\n"
        "    @pytest.mark.parametrize('n', [1, 2])\n"
        "    def test_a(self, n, checkpoint): ...\n"
        "def test_b(samples): ...\n"
        "def test_c(): ...\n"
    )
    result = run(project, code, "--collect-only", "-q")
    assert sorted(line for line in result.outlines if "::" in line) == [
        "test_it.py::TestIt::test_a[base-1]",
        "test_it.py::TestIt::test_a[base-2]",
        "test_it.py::TestIt::test_a[dpo-1]",
        "test_it.py::TestIt::test_a[dpo-2]",
        "test_it.py::test_b[base]",
        "test_it.py::test_b[dpo]",
        "test_it.py::test_c",
    ]
    result = run(project, code, "--collect-only", "-q", "-m", "not diversity")
    assert [line for line in result.outlines if "::" in line] == ["test_it.py::test_c"]


def test_ids_stay_short_and_unique(
    project: pytest.Pytester, hollow_model: Callable[[Path], Path]
) -> None:
    """Expanded checkpoints are told apart by their steps, whatever the length of their paths."""
    for step in (200, 1000):
        hollow_model(project.path / f"runs/a-long-name-of-an-experiment/checkpoint-{step}")
    (project.path / "diversity.toml").write_text('[checkpoints]\nrun = "runs/*/checkpoint-*"\n')
    result = run(project, "def test_a(checkpoint): ...\n", "--collect-only", "-q")
    assert [line for line in result.outlines if "::" in line] == [
        "test_it.py::test_a[run-200]",
        "test_it.py::test_a[run-1000]",
    ]


SAME = """
seen = {}

@pytest.mark.parametrize("turn", range(3))
def test_same(turn, checkpoint, samples):
    texts = [sample.text for sample in samples("prose").samples]
    assert seen.setdefault(checkpoint.name, texts) == texts
    assert turn != 1 or checkpoint.name != "dpo" or next(again), "fails once"

again = iter([False, True])
"""

RERUN = """
import pytest

def pytest_collection_modifyitems(items):
    items.reverse()

def pytest_runtest_protocol(item, nextitem):
    from _pytest.runner import runtestprotocol
    for report in runtestprotocol(item, nextitem=nextitem, log=False):
        if report.failed:
            item._initrequest()
            runtestprotocol(item, nextitem=nextitem)
            return True
    return None
"""


def test_a_retried_or_reordered_test_sees_the_same_samples(project: pytest.Pytester) -> None:
    """Samples are drawn once; trying again never means trying one's luck."""
    project.makeconftest(RERUN)
    run(project, SAME).assert_outcomes(passed=6)
