"""`--diversity-list`: the gates, the baselines that nothing uses, and what a run would cost."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

CONFIG = """
[checkpoints]
one = "dominoes:one"
two = "dominoes:two"
[defaults]
reference = "one"
max_tokens = 10
[domains.nature]
prompts = "nature.jsonl"
samples_per_prompt = 3
quality = "callable:judging:judge"
[domains.nature.budget]
lexical = { max_drop = "10%" }
quality = { min = 0.0, level = "warn" }
"""
SAMPLER = """
from pytest_diversity import Sample, register_sampler

def draw(name, requests):
    for request in requests:
        for number in request.numbers:
            yield Sample(request.prompt, number, f"{name} says {number} of {request.text}")

def pytest_diversity_register_samplers():
    register_sampler("dominoes", draw, version="1")
"""


@pytest.fixture
def drawing(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """Two checkpoints that are drawn from, with a judge."""
    monkeypatch.setenv("COLUMNS", "120")
    (pytester.path / "diversity.toml").write_text(CONFIG)
    lines = [f'{{"id": "{name}", "prompt": "a {name}"}}' for name in ("tree", "sea")]
    (pytester.path / "nature.jsonl").write_text("\n".join(lines))
    pytester.makeconftest(SAMPLER)
    (pytester.path / "judging.py").write_text("def judge(prompt, text): return 1.0\n")
    return pytester


def test_before_anything_is_drawn(drawing: pytest.Pytester) -> None:
    """Gates with metric and budget, and all that a run would draw and ask."""
    result = drawing.runpytest_inprocess("--diversity-list")
    assert result.ret == pytest.ExitCode.OK
    result.stdout.fnmatch_lines(
        [
            "diversity list",
            "checkpoint *domain *family *metric *budget",
            "one *nature *lexical *pair_distinct(n=4) *the reference",
            "one *nature *quality *validity() *>= 0.000 (warn)",
            "two *nature *lexical *pair_distinct(n=4) *drop <= 10% vs one",
            "two *nature *quality *",
            "to draw, at most *samples *tokens *requests *programs *judge calls",
            "one *nature *6 *60 *- *- *6",
            "two *nature *6 *60 *- *- *6",
            "all *12 *120 *- *- *12",
        ]
    )
    result.stdout.no_fnmatch_line("*samples drawn*")


def test_when_all_is_drawn(drawing: pytest.Pytester) -> None:
    """The store knows the samples, and what judges said of them."""
    drawing.runpytest_inprocess().assert_outcomes(passed=4)
    result = drawing.runpytest_inprocess("--diversity-list")
    result.stdout.fnmatch_lines(["a run would draw nothing: all of its samples are there"])
    result = drawing.runpytest_inprocess("--diversity-list", "--diversity-samples=5")
    result.stdout.fnmatch_lines(["all *8 *80 *"])


def test_verbalized_calls_and_a_server(drawing: pytest.Pytester) -> None:
    """A request to a server is a call, which asks for several answers; nothing is contacted."""
    text = CONFIG.replace("dominoes:one", "http://127.0.0.1:9/v1#m")
    text = text.replace("max_tokens = 10", 'max_tokens = 10\nmode = "verbalized"')
    (drawing.path / "diversity.toml").write_text(text)
    result = drawing.runpytest_inprocess("--diversity-list", "--diversity-checkpoint=one")
    result.stdout.fnmatch_lines(["one *nature *6 *100 *2 *- *6"])  # 2 calls of 5 answers each


def test_programs(pytester: pytest.Pytester) -> None:
    """Where programs are run, each sample may be one that was not run before."""
    lines = [{"id": "f", "prompt": "write f", "entry_point": "f", "inputs": [[1]]}]
    (pytester.path / "p.jsonl").write_text("\n".join(map(json.dumps, lines)))
    pytester.makeconftest(SAMPLER)
    (pytester.path / "diversity.toml").write_text(
        '[checkpoints]\none = "dominoes:one"\n[domains.code]\nprompts = "p.jsonl"\n'
        'samples_per_prompt = 3\nexecution = "sandbox"\n[domains.code.budget]\n'
        "quality = { min = 0.0 }\n"
    )
    pytester.runpytest_inprocess("--diversity-list").stdout.fnmatch_lines(["one *code *3 *3 *-"])


def test_a_part_of_the_tests(drawing: pytest.Pytester) -> None:
    """What was not chosen is not listed; tests in Python are named beside the gates."""
    drawing.makepyfile(test_more="def test_more(samples): pass")
    result = drawing.runpytest_inprocess("--diversity-list", "-k", "quality and one or more")
    result.stdout.fnmatch_lines(
        ["one *nature *quality *", "2 tests in Python, which may draw more:", "  test_more.py::*"]
    )
    result.stdout.no_fnmatch_line("*lexical*")


def test_baselines_that_nothing_uses(drawing: pytest.Pytester) -> None:
    """By their file, metric and checkpoint."""
    drawing.runpytest_inprocess("--diversity-record").assert_outcomes(passed=4)
    result = drawing.runpytest_inprocess("--diversity-list")
    result.stdout.fnmatch_lines(
        [
            "baselines that no budget uses:",
            "  tests/__diversity__/nature.json: pair_distinct(n=4) of one",
            "  tests/__diversity__/nature.json: validity() of two",
        ]
    )
    text = CONFIG.replace('reference = "one"', 'reference = "baseline"')
    (drawing.path / "diversity.toml").write_text(text.replace("min = 0.0", 'max_drop = "5%"'))
    drawing.runpytest_inprocess("--diversity-list").stdout.no_fnmatch_line("baselines that no *")


def test_as_json(drawing: pytest.Pytester) -> None:
    """Each gate with what its checkpoint costs in its domain."""
    drawing.runpytest_inprocess("--diversity-list=list.json", "-n0")
    rows = json.loads(Path(drawing.path, "list.json").read_text())
    assert len(rows) == 4
    assert rows[2] == {
        "gate": {
            "checkpoint": "two",
            "domain": "nature",
            "family": "lexical",
            "metric": "pair_distinct(n=4)",
        },
        "budget": "drop <= 10% vs one",
        "level": "error",
        "cost": {"samples": 6, "tokens": 60, "requests": 0, "programs": 0, "judged": 6},
    }
