"""A training run in the summary of a pytest run."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

CONFIG = """
[checkpoints]
base = "replay:base.jsonl"
dpo = "replay:steps/step-*.jsonl"
[defaults]
reference = "base"
[domains.code.budget]
lexical = { max_drop = "10%" }
[domains.prose.budget]
lexical = { level = "off" }
"""


@pytest.mark.long
@pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["alone", "with xdist"])
def test_a_run_is_a_line_by_family_and_domain(
    project: pytest.Pytester, record: Callable[..., Path], workers: tuple[str, ...]
) -> None:
    """It says where the budget was broken first; one that only measures has none."""
    (project.path / "steps").mkdir()
    for step, different in ((200, 4), (1000, 1), (600, 2)):
        record(project.path / f"steps/step-{step}.jsonl", different=different)
    (project.path / "diversity.toml").write_text(CONFIG)
    result = project.runpytest_subprocess("-p", "no:cacheprovider", *workers)
    lines = [line.split() for line in result.outlines if line.startswith("dpo ")]
    assert sorted(lines) == [
        ["dpo", "code", "lexical", "█▆▁", "1.00", "→", "0.500", "broken", "at", "step", "600"],
        ["dpo", "prose", "lexical", "█▆▁", "1.00", "→", "0.500", "-"],
    ]
