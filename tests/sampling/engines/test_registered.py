"""Samplers of one's own: what a registered function gives is kept and judged, or refused."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest

from pytest_diversity import Sample, register_sampler
from pytest_diversity.config.options import Options
from pytest_diversity.config.values import Checkpoint, Generation
from pytest_diversity.errors import ConfigError, SamplingError
from pytest_diversity.sampling.engines.registered import _samplers, find
from pytest_diversity.sampling.protocol import Request, Setup
from tests.sampling.conftest import Said

CONFIG = """
[checkpoints]
varied = "dice:6"
same = "dice:1"
[domains.d]
prompts = "prompts.jsonl"
samples_per_prompt = 4
[domains.d.budget]
lexical = { min = 0.5 }
"""
CONFTEST = """
import random
from pytest_diversity import Sample, register_sampler

def draw(sides, requests):
    with open("asked.txt", "a") as log:
        for request in requests:
            for number in request.numbers:
                print(sides, request.prompt, number, file=log, flush=True)
                throw = random.Random(request.seed(number))
                text = " ".join(str(throw.randrange(int(sides))) for _ in range(20))
                {then}

def pytest_diversity_register_samplers():
    register_sampler("dice", draw, version="1")
"""
GIVE = "yield Sample(request.prompt, number, text)"
A, B = Sample("p", 0, "one"), Sample("p", 1, "two")


@pytest.fixture
def project(pytester: pytest.Pytester) -> pytest.Pytester:
    """A project whose checkpoints are a varied sampler and one that repeats itself."""
    lines = "\n".join(f'{{"id": "p{i}", "prompt": "throw {i}"}}' for i in range(8))
    pytester.path.joinpath("prompts.jsonl").write_text(lines)
    pytester.path.joinpath("diversity.toml").write_text(CONFIG)
    _behave(pytester, GIVE)
    return pytester


def _behave(project: pytest.Pytester, then: str) -> None:
    project.makeconftest(CONFTEST.replace("{then}", then))


def _run(project: pytest.Pytester, *options: str) -> pytest.RunResult:
    _samplers.clear()  # each run has a conftest.py of its own
    return project.runpytest_inprocess("-p", "no:cacheprovider", *options)


def _setup(options: Options | None = None) -> Setup:
    return Setup(options or Options(), Path(), Path(), {})


def _asked(project: pytest.Pytester) -> list[str]:
    return (project.path / "asked.txt").read_text().splitlines()


@pytest.mark.parametrize("options", [(), ("-n", "2")], ids=["one process", "two workers"])
def test_its_samples_are_kept_and_judged(
    project: pytest.Pytester, options: tuple[str, ...]
) -> None:
    """Each is asked for once, the gate tells the checkpoints apart, a second run asks nothing."""
    _run(project, *options).assert_outcomes(passed=1, failed=1)
    assert len(_asked(project)) == len(set(_asked(project))) == 2 * 8 * 4
    again = _run(project, *options)
    again.assert_outcomes(passed=1, failed=1)
    again.stdout.fnmatch_lines(["64 samples from the store, none drawn*", "*lexical*0.5*(same)*"])
    assert len(_asked(project)) == 64


def test_what_came_before_a_failure_is_kept(project: pytest.Pytester) -> None:
    """The next run asks for the rest, the one that failed included."""
    _behave(
        project, "if (request.prompt, number) == ('p3', 2): raise KeyError('x')\n" + " " * 16 + GIVE
    )
    result = _run(project, "-k", "varied")
    result.stdout.fnmatch_lines(["*the sampler 'dice' failed in conftest.py:11: KeyError: 'x'; *"])
    result.stdout.no_fnmatch_line("*Traceback*")
    with sqlite3.connect(project.path / ".diversity/samples.sqlite") as connection:
        assert connection.execute("SELECT COUNT(*) FROM sample").fetchone() == (14,)
    _behave(project, GIVE)
    _run(project, "-k", "varied").assert_outcomes(passed=1, deselected=1)
    assert len(_asked(project)) == 15 + 18


WRONG: Mapping[str, tuple[Callable[[], Any], str]] = {
    "nothing at all": (list, "left out 3 samples, number 0 of prompt 'p' for one"),
    "one too few": (lambda: [A, B], "left out 1 sample, number 2 of prompt 'p' for one"),
    "a string": (lambda: [A, "text"], "gave 'str', not a Sample with a text"),
    "no text": (
        lambda: [A, replace(B, text=cast("Any", None))],
        "gave 'Sample', not a Sample with a text",
    ),
    "another prompt": (lambda: [replace(A, prompt="q")], "gave sample 0 of prompt 'q', which was"),
    "another number": (lambda: [replace(A, index=3)], "gave sample 3 of prompt 'p', which was not"),
    "one twice": (lambda: [A, B, A], "gave sample 0 of prompt 'p', which was not asked for or was"),
    "not even a list": (lambda: None, "TypeError: 'NoneType' object is not iterable"),
    "a mistake": (lambda: [1 / 0], "failed in test_registered.py:.*ZeroDivisionError: division"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_was_not_asked_for_is_refused(
    said: Said, monkeypatch: pytest.MonkeyPatch, case: str
) -> None:
    """One sentence says what the function did."""
    monkeypatch.setattr("pytest_diversity.sampling.engines.registered._samplers", {})
    give, sentence = WRONG[case]
    register_sampler("dice", lambda _, __: give(), version="1")
    model = find(Checkpoint("m", "dice:6"), _setup())
    request = Request("p", "throw", (0, 1, 2), Generation())
    with pytest.raises(SamplingError, match=f"the sampler 'dice' .*{sentence}"):
        list(model.load(said).sample([request], said))


@pytest.mark.parametrize("deterministic", [False, True])
def test_what_cannot_be_promised_of_a_function_is_said(
    said: Said,
    monkeypatch: pytest.MonkeyPatch,
    deterministic: bool,  # noqa: FBT001
) -> None:
    """Its texts are its own, so that their key is the same with the flag and without."""
    monkeypatch.setattr("pytest_diversity.sampling.engines.registered._samplers", {})
    register_sampler("dice", lambda _, __: (), version="1")
    model = find(Checkpoint("m", "dice:6"), _setup(Options(deterministic=deterministic)))
    model.load(said)
    assert model.identity.engine == "dice/1"
    assert [line.partition(":")[0] for line in said.lines] == (
        ["--diversity-deterministic cannot see to the sampler 'dice'"] if deterministic else []
    )


def test_weights_are_nothing_to_a_sampler(project: pytest.Pytester) -> None:
    """An adapter that would be ignored is refused where it stands."""
    text = CONFIG.replace('"dice:6"', '{ model = "dice:6", adapter = "runs/dpo" }')
    (project.path / "diversity.toml").write_text(text)
    result = _run(project)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(
        ["*diversity.toml:3: checkpoint 'varied': the sampler 'dice' takes no adapter; remove it"]
    )


NAMES = ["http", "replay", "c", "Dice", "two words", ""]


@pytest.mark.parametrize("name", NAMES)
def test_a_scheme_that_means_something_else_is_refused(name: str) -> None:
    """Nor may one be a drive's letter."""
    with pytest.raises(ConfigError, match="cannot be named"):
        register_sampler(name, lambda _, __: (), version="1")


def test_a_scheme_is_one_function(monkeypatch: pytest.MonkeyPatch) -> None:
    """Registered again it stays; another function, or another version of it, is refused."""
    monkeypatch.setattr("pytest_diversity.sampling.engines.registered._samplers", {})

    def draw(*_: object) -> tuple[()]:
        return ()

    register_sampler("dice", draw, version="1")
    register_sampler("dice", draw, version="1")
    for other, version in ((lambda *_: (), "1"), (draw, "2")):
        with pytest.raises(ConfigError, match="'dice' exists already"):
            register_sampler("dice", other, version=version)
    assert find(Checkpoint("m", "dice:x"), _setup()).name == "x"
    with pytest.raises(ConfigError, match="no sampler 'dize' is registered; did you mean 'dice'"):
        find(Checkpoint("m", "dize:x"), _setup())
