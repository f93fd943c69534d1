"""Writes values as the files that hold them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """A file of JSON Lines of a list, or of one JSON document."""

    def write(value: Any, name: str = "file") -> Path:
        path = tmp_path / name
        lines = value if isinstance(value, list) else [value]
        path.write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
        return path

    return write
