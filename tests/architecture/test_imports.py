"""A run imports what it uses: rooms that a replay has no need of stay closed."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

import pytest_diversity

from .imports import modules

_RUN = """
import sys, pytest
code = pytest.main(["-p", "no:hypothesispytest", "-p", "no:cacheprovider"])
print("MODULES", *sorted(sys.modules))
sys.exit(code)
"""
_HEAD = """
[checkpoints]
base = "replay:base.jsonl"
tuned = "replay:tuned.jsonl"
[defaults]
reference = "base"
"""

# What is gated, and how many modules of ours may be loaded for it: raise a number only for a room
# that such a run has come to need, or a module that was split.
CASES: Mapping[str, tuple[str, int]] = {
    "the words of prose": ('[domains.talk.budget]\nlexical = { max_drop = "20%" }', 101),
    "programs and quality, too": (
        (
            '[domains.code.budget]\nlexical = { max_drop = "20%" }\n'
            "[domains.talk.budget]\nquality = { min = 0 }"
        ),
        127,
    ),
}
# Rooms, and libraries that are slow to load; what begins with one of these is not loaded.
CLOSED = (
    *("torch", "transformers", "scipy.stats", "scipy.optimize", "sqlite3", "ray", "vllm", "openai"),
    *(f"pytest_diversity.{room}" for room in ("sandbox", "store", "baselines", "studies")),
    *("pytest_diversity.cluster.ray", "pytest_diversity.features.embeddings"),
    *(f"pytest_diversity.sampling.engines.{one}" for one in ("ray", "vllm", "openai")),
    *("pytest_diversity.sampling.engines.transformers", "pytest_diversity.sampling.sampler"),
)


@pytest.mark.parametrize("case", CASES)
def test_a_replay_loads_what_it_uses(
    tmp_path: Path, record: Callable[..., Path], case: str
) -> None:
    """No engine, store, sandbox or baseline, and no library that only those need."""
    budgets, most = CASES[case]
    (tmp_path / "diversity.toml").write_text(_HEAD + budgets)
    for name in ("base", "tuned"):
        record(tmp_path / f"{name}.jsonl")
    done = subprocess.run(  # noqa: S603 - our own code
        [sys.executable, "-c", _RUN], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    loaded = done.stdout.rpartition("MODULES ")[2].split()
    assert [one for one in loaded if f"{one}.".startswith(tuple(f"{c}." for c in CLOSED))] == []
    ours = [one for one in loaded if one.partition(".")[0] == "pytest_diversity"]
    assert len(ours) <= most, ours


def test_the_closed_rooms_are_there() -> None:
    """A room that is named otherwise one day would be held closed for ever."""
    known = modules(Path(pytest_diversity.__file__).parent)
    assert [one for one in CLOSED if one.startswith("pytest_diversity") and one not in known] == []
