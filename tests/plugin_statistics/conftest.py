"""A project whose budgets are judged against what was recorded of the checkpoint before."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

CONFIG = """
[checkpoints]
base = "replay:base.jsonl"
dpo = "replay:dpo.jsonl"
[defaults]
reference = "baseline"
[domains.code.budget]
lexical = { max_drop = "20%" }
[domains.prose.budget]
lexical = { min = 0.1, max_drop = 0.1 }
quality = { min = 0.1 }
"""


@pytest.fixture
def project(
    pytester: pytest.Pytester, record: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> pytest.Pytester:
    """A folder with a diversity.toml, and pytest to run in it with warnings as errors."""
    monkeypatch.setenv("COLUMNS", "160")
    options = "--strict-markers -p no:cacheprovider"
    pytester.makeini(f"[pytest]\nfilterwarnings = error\naddopts = {options}\n")
    record(pytester.path / "base.jsonl")
    record(pytester.path / "dpo.jsonl")
    (pytester.path / "diversity.toml").write_text(CONFIG)
    return pytester
