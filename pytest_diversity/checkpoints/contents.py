"""Whether a folder holds what a model or an adapter is made of: no torch, and nothing is loaded."""

from __future__ import annotations

import json
from collections.abc import Iterable
from importlib.util import find_spec
from pathlib import Path

from pytest_diversity.checkpoints.sources import Location
from pytest_diversity.errors import CheckpointError, first_line

__all__ = ["check_contents"]

_WEIGHTS = ("*.safetensors", "*.gguf")
_TOKENIZER = ("tokenizer*", "vocab*", "*.model", "spiece*", "*.tiktoken")
_SETTINGS = (
    "config.json",
    "adapter_config.json",
    "tokenizer_config.json",
    "generation_config.json",
)


def check_contents(location: Location, what: str) -> None:
    """Refuse a folder that cannot be what it is named as.

    Args:
        location: Where it is; only folders are looked into.
        what: `checkpoint` or `adapter`.

    Raises:
        CheckpointError: A part is not there, or a file of settings is not JSON.
    """
    folder = location.path
    if location.kind != "directory":
        return
    if not folder.is_dir():
        raise CheckpointError(
            f"{what} {str(folder)!r} is a file", fix="name its folder, or a file that ends in .gguf"
        )
    adapter = what == "adapter" or (folder / "adapter_config.json").exists()
    _demand(folder, what, "adapter_config.json" if adapter else "config.json", "settings")
    _demand_any(folder, what, _WEIGHTS, "weights as safetensors")
    if not adapter:
        _demand_any(folder, what, _TOKENIZER, "tokenizer")
    for name in _SETTINGS:
        _check_json(folder / name)
    for path in sorted(folder.glob("*.safetensors")):
        _check_weights(path)


def _check_weights(path: Path) -> None:
    """Refuse a file that was cut off, or that stands for weights which were not downloaded."""
    if find_spec("safetensors") is None:
        return
    from safetensors import SafetensorError, safe_open  # noqa: PLC0415 - optional

    try:
        with safe_open(path, "np"):  # reads the names of the weights
            pass
    except (OSError, SafetensorError) as error:
        raise CheckpointError(
            f"{path} cannot be read: {first_line(error)}",
            fix="copy it again as a whole; `git lfs pull` fetches what only stands for it",
        ) from None


def _demand(folder: Path, what: str, name: str, part: str) -> None:
    _demand_any(folder, what, (name,), f"{part} ({name})")


def _demand_any(folder: Path, what: str, patterns: Iterable[str], part: str) -> None:
    if not any(True for pattern in patterns for _ in folder.glob(pattern)):
        raise CheckpointError(
            f"{what} {str(folder)!r} has no {part}", fix=f"name a folder that a {what} was saved in"
        )


def _check_json(path: Path) -> None:
    if not path.exists():
        return
    try:
        found = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise CheckpointError(f"{path} is not a JSON object", fix="save the model again")
