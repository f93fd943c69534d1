"""To add a thing is to touch one place: each of these is what CONTRIBUTING.md says, and no more."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from pytest_diversity import measure, register_judge, register_kind
from pytest_diversity.config import file, keys, options
from pytest_diversity.config.values import Domain
from pytest_diversity.domains import _registered
from pytest_diversity.domains.common import COMMON
from pytest_diversity.features import Features, Kind, grammars
from pytest_diversity.metrics import metric
from pytest_diversity.metrics.registry import _definitions
from pytest_diversity.sampling import engines


@pytest.fixture
def gated(project: pytest.Pytester) -> Callable[..., pytest.RunResult]:
    """Runs the project with a budget for the words of `d`, and whatever else the file says."""

    def run(head: str, domain: str = "", *arguments: str) -> pytest.RunResult:
        budget = "[domains.d.budget]\nlexical = { min = 0.1 }\n"
        text = f"{head}\n[domains.d]\n{domain}\n{budget}"
        (project.path / "diversity.toml").write_text(text)
        return project.runpytest_inprocess(*arguments)

    return run


def test_a_metric() -> None:
    """A decorated function: its features are its parameters' names."""

    @metric(family="lexical", better="up", unbiased=True)
    def words_per_text(tokens: Any) -> float:
        return sum(map(len, tokens)) / len(tokens)

    assert measure(["a b c", "d"], "words_per_text").value == 2
    del _definitions["words_per_text"]  # it is no other test's


ECHO = """
from types import SimpleNamespace as Bag
from pytest_diversity.samples import Sample
from pytest_diversity.sampling.protocol import Identity

def find(checkpoint, setup):
    identity = Identity(checkpoint.source, None, "echo/1", "cpu", "none", "")
    engine = Bag(sample=sample, close=lambda: None)
    return Bag(identity=identity, place=None, shared=False, load=lambda progress: engine)

def sample(requests, progress):
    return (Sample(r.prompt, n, f"{r.text} {n} {n}") for r in requests for n in r.numbers)
"""


def test_an_engine(
    gated: Callable[..., pytest.RunResult], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A room with a function, and a row of the table; its samples are kept as all others are."""
    (tmp_path / "echo.py").write_text(ECHO)
    monkeypatch.setattr(engines, "__path__", [*engines.__path__, str(tmp_path)])
    monkeypatch.setitem(engines.ENGINES, "echo", "echo")
    head, domain = '[checkpoints]\nm = "base.jsonl"', 'prompts = "builtin:creative-writing"'
    gated(head, domain, "--diversity-engine=echo").assert_outcomes(passed=1)
    again = gated(head, domain, "--diversity-engine=echo")
    again.stdout.fnmatch_lines(["* samples from the store, none drawn"])


def test_a_language(monkeypatch: pytest.MonkeyPatch) -> None:
    """A row of the grammars: tokens, trees and the check of a domain's language come with it."""
    row = grammars._grammar("tree_sitter_python", "string integer")
    monkeypatch.setitem(grammars.GRAMMARS, "starlark", row)
    domain = Domain("rules", kind="code", language="starlark")
    assert measure(["f(1)", "g(x, 2)"], "pair_subtree(height=1)", domain=domain).value is not None


def lines(features: Features) -> Mapping[str, Any]:
    """A text as its lines."""
    return {name: [t.splitlines() for t in group] for name, group in features["texts"].items()}


def test_a_kind(gated: Callable[..., pytest.RunResult], monkeypatch: pytest.MonkeyPatch) -> None:
    """What it answers for itself; nothing else knows its name."""
    monkeypatch.setattr("pytest_diversity.domains._registered", dict(_registered))
    register_kind(Kind("recipe", {**COMMON, "tokens": lines}, {"lexical": "distinct(n=1)"}))
    result = gated('[checkpoints]\nm = "replay:base.jsonl"', 'kind = "recipe"')
    result.stdout.fnmatch_lines(["m * d * lexical *1.00*pass*"])


@dataclass(frozen=True)
class Options(options.Options):
    """The field that an option of a run is, too."""

    colour: str = "blue"


def test_an_option(gated: Callable[..., pytest.RunResult], monkeypatch: pytest.MonkeyPatch) -> None:
    """A row, and the field it arrives in: flag, help, variable, file, header and checks."""
    where = (keys.COMMAND, keys.ENVIRONMENT, keys.DEFAULTS)
    row = keys.Key("colour", str, where, "of the report", choices=("red", "blue"))
    monkeypatch.setitem(keys.KEYS, "colour", row)
    for module in (options, file):  # the class has the field: it stands in no other place
        monkeypatch.setattr(module, "Options", Options)
    head = '[checkpoints]\nm = "replay:base.jsonl"\n[defaults]\ncolour = "red"'
    gated(head).stdout.fnmatch_lines(["*colour red (diversity.toml)*"])
    gated(head, "", "--help").stdout.fnmatch_lines(["*--diversity-colour=*", "*of the report*"])
    monkeypatch.setenv("PYTEST_DIVERSITY_COLOUR", "rde")
    gated(head).stderr.fnmatch_lines(["*unknown colour 'rde' (PYTEST_*); did you mean 'red'?"])


def test_a_judge(gated: Callable[..., pytest.RunResult], monkeypatch: pytest.MonkeyPatch) -> None:
    """A function of prompt and text, registered; a domain names it."""

    def polite(_: str, text: str) -> float:
        return float("please" in text)

    monkeypatch.setattr("pytest_diversity.judges.registry._registered", {})
    register_judge(polite, version="1", threshold=1)
    assert measure(["now!", "please"], "validity", quality="polite").value == 0.5
    head = '[checkpoints]\nm = "replay:base.jsonl"'
    gated(head, 'quality = "polite"').assert_outcomes(passed=1)
