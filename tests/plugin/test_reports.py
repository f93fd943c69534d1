"""What a run leaves for others: files, JUnit's properties, GitHub's annotations, Allure's ids."""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from jsonschema import Draft202012Validator

from pytest_diversity.report.as_json import schema

TYPES = ("json", "markdown", "csv", "openmetrics", "model-card")
FILES = ("diversity.json", "diversity.md", "diversity.csv", "metrics.txt", "diversity-card.md")
WORKERS = ((), pytest.param(("-n", "2"), marks=pytest.mark.long))
TEST = """
from pytest_diversity import assert_lexical_diversity, assert_quality

MINE = {"p": ["a b c d e", "f g h i j", "k l m n o"]}

def test_mine(diversity):
    assert_lexical_diversity(MINE, domain="prose", min=0.1, label="mine")
    diversity.assert_quality(domain="prose", max=1)
    assert_lexical_diversity(MINE, domain="prose", max=0.9)

def test_broken(diversity):
    diversity.measure("nonsense", domain="prose")
"""


def asked(*types: str) -> list[str]:
    """The options that ask for reports."""
    return [f"--diversity-report={one}" for one in types]


@pytest.fixture
def project(project: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """Two gates fail of the second checkpoint, a third in Python, and one has an error."""
    project.makepyfile(test_mine=TEST)
    (project.path / ".git").mkdir()
    for name in ("GITHUB_ACTIONS", "GITHUB_STEP_SUMMARY"):
        monkeypatch.delenv(name, raising=False)
    return project


@pytest.mark.parametrize("workers", WORKERS, ids=["one process", "two workers"])
def test_a_run_leaves_what_it_was_asked_for(
    project: pytest.Pytester, workers: Sequence[str]
) -> None:
    """All types at once, the same from one process and from many, and once more over themselves."""
    for _ in range(2):
        result = project.runpytest_subprocess("-p", "no:cacheprovider", *workers, *asked(*TYPES))
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["json report: diversity.json", "csv report: diversity.csv"])
    assert all((project.path / name).is_file() for name in FILES)
    plain = json.loads((project.path / "diversity.json").read_text())
    Draft202012Validator(schema()).validate(plain)
    troubles = [one["trouble"] for one in plain["verdicts"]]
    assert troubles == sorted(troubles, key=["failed", "passed"].index)
    failed = {(one["test"], one["file"], one["line"]) for one in plain["verdicts"] if one["fails"]}
    assert failed == {
        ("diversity.toml::code::lexical[dpo]", "diversity.toml", 8),
        ("diversity.toml::prose::lexical[dpo]", "diversity.toml", 11),
        ("test_mine.py::test_mine[base]", "test_mine.py", 5),
        ("test_mine.py::test_mine[dpo]", "test_mine.py", 5),
    }
    assert [one["message"][:26] for one in plain["broken"]] == ["unknown metric 'nonsense';"] * 2
    assert not plain["passed"]
    named = {(one["checkpoint"], one["domain"]): one for one in plain["subjects"]}
    assert set(named) == {(name, one) for name in ("base", "dpo") for one in ("code", "prose")}
    assert len({one["fingerprints"]["weights"] for one in named.values()}) == 2
    assert named["dpo", "code"]["samples"] == 4
    with (project.path / "diversity.csv").open(newline="") as file:
        statuses = [row["status"] for row in csv.DictReader(file)]
    assert statuses.count("error") == 2


def test_what_could_not_be_written_ends_the_run_before_it_begins(
    project: pytest.Pytester,
) -> None:
    """With exit code 4 and a sentence; nothing is run or left behind."""
    result = project.runpytest_inprocess(*asked("json:nowhere/x.json"))
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*diversity: *nowhere/x.json cannot be written: No such file*"])
    result.stdout.no_fnmatch_line("*passed*")
    assert not (project.path / "nowhere").exists()


GONE = """
import shutil
def test_that_removes_a_folder(): shutil.rmtree("out")
"""
FULL = """
import pytest, resource
@pytest.hookimpl(wrapper=True, trylast=True)
def pytest_sessionfinish():
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10, before[1]))
    try:
        return (yield)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
"""
PASSING = (
    '[checkpoints]\nbase = "replay:base.jsonl"\n[domains.prose.budget]\nlexical = { min = 0 }\n'
)
LATE = {
    "its folder is gone": ({"test_gone": GONE}, "No such file or directory"),
    "the disk is full": ({"conftest": FULL}, "File too large"),
}


@pytest.mark.parametrize("case", LATE)
@pytest.mark.parametrize("passes", [True, False], ids=["of a good run", "of a bad run"])
def test_a_report_that_fails_at_the_end(
    project: pytest.Pytester,
    case: str,
    passes: bool,  # noqa: FBT001 - a case
) -> None:
    """The verdicts stand, and the exit code says that something is missing."""
    files, reason = LATE[case]
    project.makepyfile(**files)
    (project.path / "out").mkdir()
    if passes:
        (project.path / "test_mine.py").unlink()
        (project.path / "diversity.toml").write_text(PASSING)
    result = project.runpytest_subprocess("-p", "no:cacheprovider", *asked("json:out/x.json"))
    result.stdout.fnmatch_lines([f"error: json report: *x.json cannot be written: {reason}; *"])
    result.stdout.fnmatch_lines(["*base * prose * lexical * pass *"])
    result.stdout.no_fnmatch_line("*Traceback*")
    failed = pytest.ExitCode.USAGE_ERROR if passes else pytest.ExitCode.TESTS_FAILED
    assert result.ret == failed
    assert not (project.path / "out" / "x.json").exists()


def test_nothing_was_judged(pytester: pytest.Pytester) -> None:
    """A run that does not use the plugin has a report all the same, which says so."""
    pytester.makepyfile("def test_it(): pass")
    result = pytester.runpytest_inprocess(*asked("markdown"))
    assert result.ret == pytest.ExitCode.OK
    assert "Diversity: nothing was judged" in (pytester.path / "diversity.md").read_text()


@pytest.mark.parametrize("instead", ["--collect-only", "--diversity-plan"])
def test_where_no_test_runs_there_is_no_report(project: pytest.Pytester, instead: str) -> None:
    """And the run says so."""
    result = project.runpytest_inprocess("diversity.toml", instead, *asked("json"))
    result.stdout.fnmatch_lines(["no report was written: no test has run"])
    assert not (project.path / "diversity.json").exists()


@pytest.mark.parametrize("workers", WORKERS, ids=["one process", "two workers"])
def test_junit_says_what_was_judged(project: pytest.Pytester, workers: Sequence[str]) -> None:
    """As properties of each test; of several verdicts in one test all."""
    project.runpytest_subprocess("-p", "no:cacheprovider", "--junitxml=junit.xml", *workers)
    root = ET.parse(project.path / "junit.xml").getroot()  # noqa: S314 - our own
    known = {
        f"{case.get('classname')}::{case.get('name')}": {
            str(one.get("name")): str(one.get("value")) for one in case.iter("property")
        }
        for case in root.iter("testcase")
    }
    lexical = known["diversity.toml.code::lexical[dpo]"]
    expected = {
        "verdict": "fail",
        "checkpoint": "dpo",
        "domain": "code",
        "family": "lexical",
        "metric": "pair_distinct(n=4)",
        "value": "0.500",
        "interval": "[0.500, 0.500]",
        "reference": "base",
        "change": "-0.500",
        "change_interval": "[-0.500, -0.500]",
        "budget": ">= 0.300, drop <= 20% vs base",
        "worst_prompt": "p0",
    }
    assert {
        f"diversity.{name}": value for name, value in expected.items()
    }.items() <= lexical.items()
    assert {"diversity.p", "diversity.adjusted"} <= set(lexical)
    several = known["test_mine::test_mine[dpo]"]
    assert several["diversity.label"] == "mine"
    assert several["diversity.2.family"] == "quality"
    assert several["diversity.3.verdict"] == "fail"
    assert known["test_mine::test_broken[dpo]"] == {}


def test_github_shows_verdicts_at_the_lines_of_budgets(
    project: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Relative to the repository, wherever in it pytest runs; only what asks for attention."""
    inner = project.path / "sub, folder"
    inner.mkdir()
    for path in [*project.path.glob("*.jsonl"), *project.path.glob("*.toml")]:
        shutil.move(path, inner / path.name)
    text = (inner / "diversity.toml").read_text()
    (inner / "diversity.toml").write_text(
        text.replace("{ min = 0.6 }", '{ min = 0.6, level="warn" }')
    )
    (inner / "pytest.ini").write_text("[pytest]\n")
    (project.path / "test_mine.py").rename(inner / "test_mine.py")
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.chdir(inner)
    lines = project.runpytest_inprocess("-p", "no:cacheprovider").outlines
    found = [line for line in lines if line.startswith("::")]
    place = "file=sub%2C folder/"
    assert [line.partition("::")[0] for line in (one[2:] for one in found)] == [
        f"error {place}diversity.toml,line=8,title=diversity fail",
        f"error {place}test_mine.py,line=5,title=diversity fail",
        f"error {place}test_mine.py,line=5,title=diversity fail",
        f"warning {place}diversity.toml,line=11,title=diversity fail",
        f"error {place}test_mine.py,line=10,title=diversity error",
        f"error {place}test_mine.py,line=10,title=diversity error",
    ]
    assert "::code lexical drop 50.0%25 > 20%25 (dpo)%0A" in found[0]
    assert found[3].endswith("::prose lexical 0.500 < 0.600 (dpo)")


def test_elsewhere_there_are_no_annotations(project: pytest.Pytester) -> None:
    """They would be noise."""
    result = project.runpytest_inprocess("-p", "no:cacheprovider")
    result.stdout.no_fnmatch_line("::*")


FLAKY = """
import pathlib
from pytest_diversity import assert_lexical_diversity

def test_that_is_flaky(diversity):
    tries = pathlib.Path(f"tries-{diversity.checkpoint}")
    tries.write_text(tries.read_text() + "x" if tries.exists() else "x")
    same = ["a b c d e", "a b c d e"]
    texts = same if len(tries.read_text()) < 3 else ["a b c d e", "f g h i j"]
    assert_lexical_diversity({"p": texts}, domain="prose", min=0.6, label="mine")
"""


@pytest.mark.parametrize("workers", WORKERS, ids=["one process", "two workers"])
def test_a_test_that_is_run_again_is_told_of_once(
    project: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, workers: Sequence[str]
) -> None:
    """By its last verdict, in the table, the files and JUnit."""
    monkeypatch.setenv("PYTEST_ADDOPTS", "-p no:hypothesispytest -p no:allure_pytest")
    project.makepyfile(test_mine=FLAKY)
    options = ("--reruns=4", "--junitxml=junit.xml", *asked("json"), *workers)
    result = project.runpytest_subprocess("-p", "no:cacheprovider", "test_mine.py", *options)
    result.assert_outcomes(passed=2)
    assert len([line for line in result.outlines if line.startswith("mine ")]) == 2
    plain = json.loads((project.path / "diversity.json").read_text())
    assert {one["status"] for one in plain["verdicts"]} == {"pass"}
    assert plain["passed"]
    assert "diversity.2." not in (project.path / "junit.xml").read_text()


def test_allure_knows_the_gates_of_different_checkpoints_apart(
    project: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And each again in the next run: else a red gate hides behind a green one as its retry."""
    monkeypatch.setenv("PYTEST_ADDOPTS", "-p no:hypothesispytest -p no:rerunfailures")
    runs = []
    for name in ("one", "two"):
        options = ("-p", "no:cacheprovider", f"--alluredir={name}")
        project.runpytest_subprocess(*options)
        runs.append(_history(project.path / name))
    assert runs[0] == runs[1]
    assert len(set(runs[0].values())) == len(runs[0]) == 10


def _history(folder: Path) -> dict[str, str]:
    results = [json.loads(path.read_text()) for path in folder.glob("*-result.json")]
    return {one["fullName"] + one["name"]: one["historyId"] for one in results}
