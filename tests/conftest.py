"""What several rooms of tests share: recorded samples whose diversity is chosen."""

from __future__ import annotations

import gc
import json
import os
import random
import struct
import sys
from collections.abc import Callable, Generator
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import settings

# The models of the tests are so small that a second thread only waits, at twice the processor time.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# Imported here once and for all: pytester forgets what is first imported in a run in this process,
# and numpy cannot be loaded twice.
import pytest_diversity.features.embeddings
import pytest_diversity.features.outcomes
import pytest_diversity.plugin.assertions
import pytest_diversity.plugin.collector
import pytest_diversity.plugin.recording
import pytest_diversity.sampling.engines.registered
import pytest_diversity.sampling.sampler
from pytest_diversity.features.syntax import analyse
from pytest_diversity.metrics import definitions

__all__ = ["pytest_diversity", "record"]

pytest_plugins = ["pytester"]

# Imported each from its folder: with all of the repository on the path, no wheel would be tested.
for name in ("example_project", "benchmarks", "release"):
    scripts = ModuleType(name)
    scripts.__path__ = [str(Path(__file__).parents[1] / name)]
    sys.modules.setdefault(name, scripts)

analyse("", "python")
definitions()

# How long an example takes says more of the machine than of the code.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")

WORDS = tuple("abcdefghijklmnopqrstuvwxyz")


def _fail_instead(report: pytest.TestReport | pytest.CollectReport) -> None:
    """In CI everything runs: what was skipped there for lack of something fails with its reason."""
    if report.skipped and os.environ.get("CI") and not hasattr(report, "wasxfail"):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        report.outcome = "failed"
        report.longrepr = f"{reason}; nothing may be skipped where CI is set"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """No test is skipped in CI."""
    report = yield
    _fail_instead(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Nor is a module."""
    report = yield
    _fail_instead(report)
    return report


def pytest_collection_finish() -> None:
    """What is imported by now stays: no collection of garbage need look at it again."""
    gc.collect()
    gc.freeze()


@pytest.fixture
def pytester(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """Pytest's own, without plugins that are not ours; what it prints is as wide as it needs to be.

    Hypothesis's takes longer to start than all the rest.
    """
    left_out = ("hypothesispytest", "rerunfailures", "allure_pytest")
    monkeypatch.setenv("PYTEST_ADDOPTS", " ".join(f"-p no:{name}" for name in left_out))
    monkeypatch.delenv("COLUMNS", raising=False)
    return pytester


def text(*identity: object, length: int = 12) -> str:
    """A text of its own for each `identity`, the same in every run."""
    chosen = random.Random(repr(identity)).choices(WORDS, k=length)  # noqa: S311 - no secret
    return " ".join(chosen)


@pytest.fixture(scope="session")
def record() -> Callable[..., Path]:
    """A function that writes a `replay:` file: `different` texts among the samples of a prompt."""

    def write(
        path: Path,
        *,
        different: int = 4,
        prompts: int = 8,
        samples: int = 4,
        domain: str | None = None,
        first: int = 0,
    ) -> Path:
        lines = [
            {
                "prompt": f"p{prompt}",
                "index": index,
                "text": text(path.stem, prompt, index % different),
                **({"domain": domain} if domain else {}),
            }
            for prompt in range(first, first + prompts)
            for index in range(samples)
        ]
        path.write_text("".join(f"{json.dumps(line)}\n" for line in lines), encoding="utf-8")
        return path

    return write


@pytest.fixture(scope="session")
def hollow_model() -> Callable[[Path], Path]:
    """A function that writes a folder which is a model's to the eye, and has no weight in it."""

    def write(folder: Path) -> Path:
        folder.mkdir(parents=True, exist_ok=True)
        for name in ("config.json", "tokenizer.json"):
            (folder / name).write_text("{}")
        (folder / "model.safetensors").write_bytes(struct.pack("<Q", 2) + b"{}")
        return folder

    return write


@pytest.fixture
def project(
    pytester: pytest.Pytester, record: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> pytest.Pytester:
    """A folder with two recorded checkpoints, `base` and `dpo`; each room writes what gates them.

    Pytest runs in it with warnings as errors, 160 columns wide.
    """
    monkeypatch.setenv("COLUMNS", "160")
    pytester.makeini("[pytest]\nfilterwarnings = error\naddopts = --strict-markers\n")
    record(pytester.path / "base.jsonl")
    record(pytester.path / "dpo.jsonl")
    return pytester
