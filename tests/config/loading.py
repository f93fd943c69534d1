"""A configuration of a text."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pytest_diversity.config.file import load_config
from pytest_diversity.config.values import Config

__all__ = ["load"]


def load(folder: Path, text: str, checkpoints: Sequence[str] = ()) -> Config:
    """The configuration of a file with that text."""
    (folder / "diversity.toml").write_text(text, encoding="utf-8")
    return load_config(folder / "diversity.toml", checkpoints)
