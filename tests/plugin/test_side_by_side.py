"""Plugins beside ours, one at a time and all at once: none changes a verdict, or tells it twice."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

import pytest

pytestmark = pytest.mark.plugins

CONFIG = """
[checkpoints]
base = "replay:base.jsonl"
dpo = "replay:dpo.jsonl"
sft = "replay:sft.jsonl"
[defaults]
reference = "base"
[domains.code.budget]
lexical = { min = 0.3, max_drop = "20%" }
quality = { max = 0.5 }
[domains.prose.budget]
lexical = { min = 0.97 }
"""
IN_PYTHON = """
import random
import pytest
from pytest_diversity import assert_lexical_diversity

MINE = {"p": ["a b c d e", "f g h i j", "k l m n o"]}

@pytest.mark.order(1)
def test_judged_twice(diversity):
    random.random()
    diversity.assert_lexical_diversity(domain="prose", min=0.97)

def test_all(diversity):
    diversity.assert_quality(domain="prose", max=1)

def test_mine(subtests):
    for bound in (0.1, 0.2):
        with subtests.test(bound=bound):
            assert_lexical_diversity(MINE, domain="prose", min=bound, label="mine")

def test_theirs():
    assert_lexical_diversity(MINE, domain="prose", max=0.5, label="theirs")

def test_of_something_else():
    pass
"""
IN_COROUTINES = """
import pytest
from pytest_diversity import assert_lexical_diversity

@pytest.mark.asyncio
async def test_in_a_coroutine(diversity):
    diversity.assert_lexical_diversity(domain="prose", min=0.97)
"""
ENDLESS = """
import time
from pytest_diversity import Sample, register_sampler

def draw(name, requests):
    yield Sample(requests[0].prompt, requests[0].numbers[0], "a b c d e")
    time.sleep(3600)

def pytest_diversity_register_samplers():
    register_sampler("endless", draw, version="1")
"""
DRAWN = """
[checkpoints]
m = "endless:m"
[domains.prose]
prompts = "builtin:creative-writing"
[domains.prose.budget]
lexical = { min = 0.1 }
"""
VERDICTS = """\
base code lexical 1.000 >= 0.300: pass
base code quality 0.000 <= 0.500: pass
base prose lexical 1.000 >= 0.970: pass
base prose quality 1.000 <= 1.00: pass
dpo code lexical 0.500 >= 0.300, drop <= 20% vs base: fail
dpo code quality 0.000 <= 0.500: pass
dpo prose lexical 0.500 >= 0.970: fail
dpo prose quality 1.000 <= 1.00: pass
mine prose lexical 1.000 >= 0.100: pass
mine prose lexical 1.000 >= 0.200: pass
sft code lexical 0.958 >= 0.300, drop <= 20% vs base: pass
sft code quality 0.000 <= 0.500: pass
sft prose lexical 0.958 >= 0.970: unclear
sft prose quality 1.000 <= 1.00: pass
theirs prose lexical 1.000 <= 0.500: fail
""".splitlines()
COUNTED = """
from collections import Counter
import json
import pathlib
import pytest

COUNTS = Counter()

def pytest_runtest_logreport(report):
    if report.when == "call" and type(report) is pytest.TestReport:
        COUNTS[report.outcome] += 1

def pytest_terminal_summary():
    pathlib.Path("counts.json").write_text(json.dumps(COUNTS))
"""
ROW = re.compile(r" (pass|fail|unclear) +\d+ x \d+\s*$")


class Beside(NamedTuple):
    """Plugins, and how they are used.

    Attributes:
        names: As they are registered with pytest.
        options: What makes them work.
        gates: How often each gate of the file runs.
        tests: How often each test in Python does.
    """

    names: Sequence[str] = ()
    options: Sequence[str] = ()
    gates: int = 1
    tests: int = 1


def _spread(dist: str) -> Beside:
    times = 2 if dist == "each" else 1
    return Beside(["xdist"], ["--numprocesses=2", f"--dist={dist}"], times, times)


SPREAD = {
    f"xdist --dist {dist}": _spread(dist)
    for dist in ("load", "loadscope", "loadfile", "loadgroup", "worksteal", "each", "no")
}
TOGETHER = {
    "allure": Beside(["allure_pytest"], ["--alluredir=allure"]),
    "asyncio": Beside(["asyncio"]),
    "cov": Beside(["pytest_cov"], ["--cov=."]),
    "html": Beside(["html", "html_fixtures", "metadata"], ["--html=report.html"]),
    "order": Beside(["pytest_order"]),
    "randomly": Beside(["randomly"], ["--randomly-seed=3"]),
    "rerunfailures": Beside(["rerunfailures"], ["--reruns=1"]),
    "rich": Beside(["rich"], ["--rich"]),
    "sugar": Beside(["sugar"], ["--force-sugar"]),
    "timeout": Beside(["timeout"], ["--timeout=300"]),
}
REPEAT = {"repeat": Beside(["repeat"], ["--count=2"], tests=2)}
ALONE: Mapping[str, Beside] = {"none": Beside(), **SPREAD, **TOGETHER, **REPEAT}
ALL = list(chain.from_iterable(one.options for one in TOGETHER.values()))


@pytest.fixture
def project(
    pytester: pytest.Pytester, record: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> pytest.Pytester:
    """Gates that pass, that fail, and one that is unclear, in a file and in Python."""
    monkeypatch.delenv("PYTEST_ADDOPTS")
    folder = pytester.path
    record(folder / "base.jsonl")
    record(folder / "dpo.jsonl", different=1)
    halves = [
        record(folder / "one.jsonl", prompts=4),
        record(folder / "other.jsonl", prompts=4, first=4, different=3),
    ]
    (folder / "sft.jsonl").write_text("".join(half.read_text() for half in halves))
    (folder / "diversity.toml").write_text(CONFIG)
    pytester.makepyfile(test_python=IN_PYTHON)
    pytester.makeconftest(COUNTED)
    return pytester


def _run(project: pytest.Pytester, beside: Beside) -> None:
    """Run pytest in a process of its own, and compare all that it says of verdicts."""
    result = project.runpytest_subprocess(
        *("-p", "no:cacheprovider", "--diversity-report=json"), *beside.options
    )
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    verdicts = json.loads((project.path / "diversity.json").read_text())["verdicts"]
    assert {_line(one) for one in verdicts} == set(VERDICTS)
    at_hand = (beside.tests - beside.gates) * 3  # of each run of a test, as of another test
    assert len(verdicts) == len(VERDICTS) + at_hand
    assert sum(bool(ROW.search(line)) for line in result.outlines) == len(verdicts)
    counts = json.loads((project.path / "counts.json").read_text())
    in_coroutines = (project.path / "test_coroutines.py").exists()
    assert counts["failed"] == 2 * beside.gates + (2 + in_coroutines) * beside.tests
    assert counts["passed"] == 7 * beside.gates + (7 + 2 * in_coroutines) * beside.tests


def _line(verdict: Mapping[str, Any]) -> str:
    name, family = verdict["checkpoint"] or verdict["label"], verdict["family"]
    judged = f"{verdict['value']:.3f} {verdict['budget']}: {verdict['status']}"
    return f"{name} {verdict['domain']} {family} {judged}"


@pytest.mark.parametrize("beside", ALONE.values(), ids=ALONE)
def test_alone(project: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, beside: Beside) -> None:
    """With one plugin, and no other but ours, verdicts and counts are those without it."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    named = [f"-p{name}" for name in ("diversity", *beside.names)]
    if "asyncio" in beside.names:
        project.makepyfile(test_coroutines=IN_COROUTINES)
    _run(project, beside._replace(options=[*named, *beside.options]))


@pytest.mark.parametrize("spread", [Beside(), *SPREAD.values()], ids=["one process", *SPREAD])
def test_all_at_once(project: pytest.Pytester, spread: Beside) -> None:
    """With every plugin in use."""
    project.makepyfile(test_coroutines=IN_COROUTINES)
    _run(project, spread._replace(options=[*ALL, *spread.options]))


def test_a_gate_that_takes_too_long(pytester: pytest.Pytester) -> None:
    """Is a sentence; what was drawn until then is kept."""
    pytester.makeconftest(ENDLESS)
    (pytester.path / "diversity.toml").write_text(DRAWN)
    result = pytester.runpytest_subprocess("-p", "no:cacheprovider", "--timeout=10")
    result.stderr.fnmatch_lines(["*stopped; what was finished is kept (1 sample), *"])
    result.stdout.fnmatch_lines(
        [
            "Timeout (>10.0s) from pytest-timeout.",
            "error: diversity.toml::prose::lexical[[]m[]]: Timeout (>10.0s) *",
        ]
    )
    result.stdout.no_fnmatch_line("*in draw*")
    result.stdout.no_fnmatch_line("*Traceback*")
