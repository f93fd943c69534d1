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
def project(project: pytest.Pytester, record: Callable[..., Path]) -> pytest.Pytester:
    """The second checkpoint has collapsed, and three budgets gate both."""
    record(project.path / "dpo.jsonl", different=1)
    (project.path / "diversity.toml").write_text(CONFIG)
    return project
