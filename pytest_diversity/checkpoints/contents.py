"""Whether a folder holds what a model or an adapter is made of: no torch, and nothing is loaded."""

from __future__ import annotations

import json
from collections.abc import Iterable
from contextlib import nullcontext
from importlib.util import find_spec
from pathlib import Path

from pytest_diversity.checkpoints.sources import Location
from pytest_diversity.errors import CheckpointError, first_line, reason_of, some
from pytest_diversity.findings import Looking

__all__ = ["check_contents", "check_weights"]

_WEIGHTS = ("*.safetensors", "*.gguf")
_TOKENIZER = ("tokenizer*", "vocab*", "*.model", "spiece*", "*.tiktoken")
_GGUF = b"GGUF"
_COPY = "copy it again as a whole; `git lfs pull` fetches what only stands for it"
_SETTINGS = (
    "config.json",
    "adapter_config.json",
    "tokenizer_config.json",
    "generation_config.json",
)
_A = {"checkpoint": "a checkpoint", "adapter": "an adapter"}


def check_contents(location: Location, what: str, looking: Looking = nullcontext) -> None:
    """Refuse a folder that cannot be what it is named as.

    Args:
        location: Where it is; of a file only its first bytes are looked at.
        what: `checkpoint` or `adapter`.
        looking: What becomes of an error in one of its parts.

    Raises:
        CheckpointError: A part is not there, or a file of settings is not JSON.
    """
    folder = location.path
    with looking():
        if location.kind == "gguf":
            _check_gguf(folder, what)
        if location.kind == "directory" and not folder.is_dir():
            raise CheckpointError(
                f"{what} {str(folder)!r} is a file",
                fix="name its folder, or a file that ends in .gguf",
            )
    if location.kind != "directory" or not folder.is_dir():
        return
    adapter = what == "adapter" or (folder / "adapter_config.json").exists()
    with looking():
        _demand(folder, what, "adapter_config.json" if adapter else "config.json", "settings")
    with looking():
        _demand_any(folder, what, _WEIGHTS, "weights as safetensors")
    with looking():
        if not adapter:
            _demand_any(folder, what, _TOKENIZER, "tokenizer")
    for name in _SETTINGS:
        with looking():
            _check_json(folder / name)
    with looking():
        _check_shards(folder)
    check_weights(folder, looking)


def check_weights(folder: Path, looking: Looking = nullcontext) -> None:
    """Refuse a folder with a file of weights that is not whole.

    Raises:
        CheckpointError: One was cut off, or only stands for weights.
    """
    for path in sorted(folder.glob("*.safetensors")):
        with looking():
            _check_weights(path)


def _check_gguf(path: Path, what: str) -> None:
    """Refuse what only ends in .gguf, such as a file that stands for one."""
    try:
        with path.open("rb") as file:
            magic = file.read(len(_GGUF))
    except OSError as error:
        raise CheckpointError(
            f"{what} {path} cannot be read: {reason_of(error)}", fix="make it a readable file"
        ) from None
    if magic != _GGUF:
        raise CheckpointError(f"{what} {path} is no GGUF file", fix=_COPY)


def _check_shards(folder: Path) -> None:
    """Refuse a model that lacks a file which its index names."""
    for index in sorted(folder.glob("*.safetensors.index.json")):
        _check_json(index)
        named = json.loads(index.read_bytes()).get("weight_map")
        files = {str(name) for name in named.values()} if isinstance(named, dict) else set()
        missing = [name for name in files if not (folder / name).is_file()]
        if missing:
            raise CheckpointError(
                f"{folder} has no {some(missing)}, which its index names", fix=_COPY
            )


def _check_weights(path: Path) -> None:
    """Refuse a file that was cut off, or that stands for weights which were not downloaded."""
    if find_spec("safetensors") is None:
        return
    from safetensors import SafetensorError, safe_open  # noqa: PLC0415 - optional

    try:
        with safe_open(path, "np"):  # reads the names of the weights
            pass
    except (OSError, SafetensorError) as error:
        raise CheckpointError(f"{path} cannot be read: {first_line(error)}", fix=_COPY) from None


def _demand(folder: Path, what: str, name: str, part: str) -> None:
    _demand_any(folder, what, (name,), f"{part} ({name})")


def _demand_any(folder: Path, what: str, patterns: Iterable[str], part: str) -> None:
    if not any(True for pattern in patterns for _ in folder.glob(pattern)):
        raise CheckpointError(
            f"{what} {str(folder)!r} has no {part}",
            fix=f"name a folder that {_A[what]} was saved in",
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
