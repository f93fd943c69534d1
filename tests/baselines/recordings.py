"""What tests of baselines record, and where."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

__all__ = ["AGAIN", "CONFIG", "FOLDER", "Record", "recorded", "rewrite"]


Record = Callable[..., Path]
FOLDER = "tests/__diversity__"
AGAIN = "run as it was recorded, or record it anew: pytest --diversity-record"
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


def recorded(project: pytest.Pytester, domain: str = "prose") -> dict[str, dict[str, object]]:
    """The checkpoints of a baseline file."""
    checkpoints: dict[str, dict[str, object]] = json.loads(
        (project.path / FOLDER / f"{domain}.json").read_text()
    )["checkpoints"]
    return checkpoints


def rewrite(path: Path, plain: Mapping[str, Any]) -> None:
    """Another recording than was made, without the checksums that would tell."""
    for profile in plain["checkpoints"].values():
        profile.pop("checksum", None)
    path.write_text(json.dumps(plain))
