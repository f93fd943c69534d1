"""What is on disk for ever: a store and a baseline from before the rooms were built are read."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

HERE = Path(__file__).parent / "before_the_house"

# Drew the 72 samples of the store once; now nobody may ask it again.
SAMPLER = """
from pytest_diversity import register_sampler

def draw(name, requests):
    raise AssertionError("everything is in the store")
    yield

def pytest_diversity_register_samplers():
    register_sampler("recorded-before", draw, version="1")
"""


@pytest.fixture
def old(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """The project that wrote them."""
    monkeypatch.setenv("COLUMNS", "160")
    shutil.copy(HERE / "configuration.toml", pytester.path / "diversity.toml")  # pytest collects it
    for name in ("prompts.jsonl", "samples.sqlite"):
        shutil.copy(HERE / name, pytester.path)
    baselines = pytester.path / "tests" / "__diversity__"
    baselines.mkdir(parents=True)
    shutil.copy(HERE / "nature.json", baselines)
    pytester.makeconftest(SAMPLER)
    return pytester


def test_an_old_store_and_an_old_baseline_are_read(old: pytest.Pytester) -> None:
    """Nothing is drawn again, and what rests on the same rules is judged against what was recorded.

    The judge of quality has another version since, which is refused, and how to go on is said.
    """
    result = old.runpytest_inprocess("diversity.toml", "--diversity-store=samples.sqlite")
    result.assert_outcomes(passed=2, failed=2)
    result.stdout.fnmatch_lines(["*the judge of quality was 'well_formed 1', now 'well_formed 2*"])
    result.stdout.fnmatch_lines(["*drop <= 50% vs baseline  *", "72 samples from the store, none*"])


def test_recording_again_writes_the_same_values(old: pytest.Pytester) -> None:
    """Settings, digests and values come out as they were: only versions of libraries may differ."""
    path = old.path / "tests" / "__diversity__" / "nature.json"
    before = json.loads(path.read_text())
    path.unlink()
    result = old.runpytest_inprocess(
        "diversity.toml", "--diversity-store=samples.sqlite", "--diversity-record"
    )
    result.assert_outcomes(passed=4)
    after = json.loads(path.read_text())
    for one in (*before["checkpoints"].values(), *after["checkpoints"].values()):
        del one["versions"]
    for one in before["checkpoints"].values():  # what metrics rest on its classes now say so
        del one["settings"]["same_meaning"]
    for one in before["checkpoints"].values():  # a short answer is well-formed now
        del one["metrics"]["validity()"]
    for one in after["checkpoints"].values():
        del one["checksum"]  # which there has been since
        assert one["metrics"].pop("validity()")["judge"].startswith("well_formed 2")
    assert after == before
