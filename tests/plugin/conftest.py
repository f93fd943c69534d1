"""A project with two recorded checkpoints, the second of which has collapsed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

CONFIG = """
[checkpoints]
base = "replay:base.jsonl"
dpo = "replay:dpo.jsonl"
[defaults]
reference = "base"
[domains.code.budget]
lexical = { min = 0.3, max_drop = "20%" }
quality = { max = 0.5 }
[domains.prose.budget]
lexical = { min = 0.6 }
"""


@pytest.fixture
def project(
    pytester: pytest.Pytester, record: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> pytest.Pytester:
    """A folder with a diversity.toml, and pytest to run in it with warnings as errors."""
    monkeypatch.setenv("COLUMNS", "160")
    pytester.makeini("[pytest]\nfilterwarnings = error\naddopts = --strict-markers\n")
    record(pytester.path / "base.jsonl")
    record(pytester.path / "dpo.jsonl", different=1)
    (pytester.path / "diversity.toml").write_text(CONFIG)
    return pytester
