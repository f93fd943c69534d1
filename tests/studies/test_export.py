"""Samples as files: of each checkpoint under test, to be replayed, read by others and kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from pytest_diversity.samples import SampleSet

CONFIG = """
[checkpoints]
one = "cards:one"
two = "cards:two"
[domains.nature]
prompts = "nature.jsonl"
samples_per_prompt = 3
[domains.nature.budget]
lexical = { min = 0.0 }
[domains.other.budget]
lexical = { min = 0.0 }
[domains.other]
prompts = "nature.jsonl"
samples_per_prompt = 2
temperature = 0.5
"""
SAMPLER = """
from pytest_diversity import Sample, register_sampler

def draw(name, requests):
    for request in requests:
        for number in request.numbers:
            text = f"{name} says {number} of {request.text}"
            yield Sample(request.prompt, number, text, None, "stop", 7, -1.5)

def pytest_diversity_register_samplers():
    register_sampler("cards", draw, version="1")
"""


@pytest.fixture
def drawing(pytester: pytest.Pytester) -> pytest.Pytester:
    """Two checkpoints that are drawn from, in two domains."""
    (pytester.path / "diversity.toml").write_text(CONFIG)
    lines = [f'{{"id": "{name}", "prompt": "a {name}"}}' for name in ("tree", "sea")]
    (pytester.path / "nature.jsonl").write_text("\n".join(lines))
    pytester.makeconftest(SAMPLER)
    return pytester


@pytest.mark.parametrize(
    ("suffix", "read"), [("jsonl", SampleSet.from_jsonl), ("parquet", SampleSet.from_parquet)]
)
def test_an_export(drawing: pytest.Pytester, suffix: str, read: type[SampleSet]) -> None:
    """A file for each checkpoint, with all that is known of each sample; it may be replaced."""
    for _ in range(2):
        result = drawing.runpytest_inprocess(f"--diversity-export={{checkpoint}}.{suffix}")
        assert result.ret == pytest.ExitCode.OK
        result.stdout.fnmatch_lines(
            [f"10 samples of two written to two.{suffix}", "*no tests ran*"]
        )
    samples = read(drawing.path / f"two.{suffix}")  # type: ignore[arg-type]
    assert [len(samples[prompt]) for prompt in ("tree", "sea")] == [5, 5]
    one = samples["sea"][1]
    assert one.text.startswith("two says ")
    assert (one.finish_reason, one.tokens, one.logprob) == ("stop", 7, -1.5)
    assert {sample.domain for sample in samples.samples} == {"nature", "other"}


def test_an_export_is_replayed(drawing: pytest.Pytester) -> None:
    """It is a checkpoint whose values are those of what it was drawn from."""
    chosen = "--diversity-checkpoint=one"
    drawing.runpytest_inprocess("--diversity-export=kept.jsonl", chosen)
    changed = {"cards:two": "replay:kept.jsonl", "{ min = 0.0 }": "{ max_drop = 0.0 }"}
    text = 'defaults.reference = "one"\n' + CONFIG
    for old, new in changed.items():
        text = text.replace(old, new)
    (drawing.path / "diversity.toml").write_text(text)
    result = drawing.runpytest_inprocess("--diversity-plan")
    result.stdout.fnmatch_lines(["nature lexical [[]two[]] *max_drop 0 *2 x 3 *0.000 *"])


def test_a_domain_without_a_budget_is_exported_from_the_store(drawing: pytest.Pytester) -> None:
    """What a Python test has drawn is written; what nothing asks for is never drawn."""
    text = CONFIG[: CONFIG.index("[domains.nature.budget]")]
    (drawing.path / "diversity.toml").write_text(text)
    arguments = ("--diversity-export=a.jsonl", "--diversity-checkpoint=one")
    result = drawing.runpytest_inprocess(*arguments)
    result.stderr.fnmatch_lines(["ERROR: diversity: there are no samples of one to export; run *"])
    drawing.makepyfile("def test_it(samples): assert len(samples('nature')) == 2")
    drawing.runpytest_inprocess("--diversity-checkpoint=one").assert_outcomes(passed=1)
    result = drawing.runpytest_inprocess(*arguments)
    result.stdout.fnmatch_lines(["6 samples of one written to a.jsonl"])


WRONG: Mapping[str, tuple[Sequence[str], str]] = {
    "another kind of file": (
        ("--diversity-export=a.csv",),
        "--diversity-export=a.csv is neither JSON Lines nor Parquet; end its name in .jsonl or .p*",
    ),
    "one file for two checkpoints": (
        ("--diversity-export=a.jsonl",),
        "the samples of 2 checkpoints would be in one file; write {checkpoint} in its name, or ch*",
    ),
    "a file with something else": (
        ("--diversity-export=nature.jsonl", "--diversity-checkpoint=one"),
        "nature.jsonl is there and holds something else than samples; name another file",
    ),
    "a folder that is not there": (
        ("--diversity-export=none/a.jsonl", "--diversity-checkpoint=one"),
        "none/a.jsonl cannot be written: No such file or directory; name another file",
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_cannot_be_exported(drawing: pytest.Pytester, case: str) -> None:
    """One sentence and exit code 4, before anything is drawn."""
    arguments, message = WRONG[case]
    result = drawing.runpytest_inprocess(*arguments)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"ERROR: diversity: {message}"])
    assert not Path(drawing.path, ".diversity").exists()
