"""Adapters: whether a folder is one, and which base it says it belongs on."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

from pytest_diversity.checkpoints.sources import Location, exists, is_hub_name, locate, under
from pytest_diversity.config.values import Checkpoint
from pytest_diversity.errors import CheckpointError, some

__all__ = [
    "WEIGHTS",
    "check_adapter",
    "demand_one_base",
    "disagreement",
    "on_its_base",
    "speaks",
]

CONFIG, WEIGHTS = "adapter_config.json", "adapter_model.safetensors"
# What decides how a prompt is read and a text ends, where it is saved beside an adapter.
TOKENIZER = ("tokenizer.json", "tokenizer.model", "tokenizer_config.json")
_SPOKEN = (*TOKENIZER, "chat_template.jinja", "generation_config.json")
# Types whose weights are no part of the model: only peft's own forward pass knows of them.
_PROMPTS = {"PROMPT_TUNING", "P_TUNING", "PREFIX_TUNING", "MULTITASK_PROMPT_TUNING", "CPT"}


def on_its_base(checkpoint: Checkpoint, root: Path, *, download: bool = True) -> Checkpoint:
    """A checkpoint whose model is the folder of an adapter, as that adapter on its base.

    Args:
        checkpoint: Any.
        root: What relative paths of sources are relative to.
        download: Whether to make sure of a base that can only be on the hub.

    Raises:
        CheckpointError: The adapter does not say where its base is, or that is not there.
    """
    path = under(root, checkpoint.source)
    if not exists(path / CONFIG):
        return checkpoint
    if (path / "config.json").is_file():
        raise CheckpointError(
            f"checkpoint {checkpoint.source!r} holds both a whole model and an adapter",
            fix=f"move one of them into a folder of its own, or remove {CONFIG}",
        )
    syntax = f'write {{ model = "BASE", adapter = "{checkpoint.source}" }}'
    if checkpoint.adapter:
        raise CheckpointError(
            f"checkpoint {checkpoint.source!r} is an adapter, and {checkpoint.adapter!r} another",
            fix=syntax,
        )
    base = _base_of(path)
    try:
        if download or not is_hub_name(base or "", root):
            locate(base or "", root)
    except CheckpointError:
        raise CheckpointError(
            f"checkpoint {checkpoint.source!r} is an adapter, and its base {base!r} is not here",
            fix=syntax,
        ) from None
    return replace(checkpoint, source=str(base), adapter=checkpoint.source)


def demand_one_base(checkpoints: Iterable[Checkpoint], root: Path) -> None:
    """Refuse steps of a training run of which some are adapters of another base than the others.

    Raises:
        CheckpointError: There are such.
    """
    bases: dict[str, str] = {}
    for one in checkpoints:
        folder = under(root, one.source)
        if one.adapter is None and exists(folder / CONFIG):
            bases.setdefault(_base_of(folder) or "", one.name)
    if len(bases) > 1:
        (base, name), (other, step) = list(bases.items())[:2]
        raise CheckpointError(
            f"{step} is an adapter of {other!r}, and {name}, of the same run, is one of {base!r}",
            fix='write { model = "BASE", adapter = "PATTERN" } if both are one, or two checkpoints',
        )


def check_adapter(folder: Path) -> None:
    """Refuse a folder that is no adapter, or one of a kind that cannot be drawn from.

    Raises:
        CheckpointError: It is.
    """
    if not (folder / CONFIG).is_file():
        below = [path.parent.name for path in folder.glob(f"*/{CONFIG}")]
        raise CheckpointError(
            f"adapter {folder} has no {CONFIG}",
            fix=f"it has {some(below)}" if below else "save it with peft's save_pretrained",
        )
    if not (folder / WEIGHTS).is_file():
        raise CheckpointError(
            f"adapter {folder} has no {WEIGHTS}",
            fix="save it with peft's save_pretrained; pickled weights are never loaded",
        )
    config = _config(folder)
    kind = config.get("peft_type")
    if not isinstance(kind, str):
        raise CheckpointError(
            f"adapter {folder}: its {CONFIG} does not say what kind it is (peft_type)",
            fix="save it with peft's save_pretrained",
        )
    if kind in _PROMPTS or config.get("alora_invocation_tokens"):
        raise CheckpointError(
            f"adapter {folder} is {kind} of a kind that depends on the prompt's tokens",
            fix="serve it, and give the server's URL as the model",
        )
    if kind == "XLORA":  # peft would fetch whatever adapters its file names
        raise CheckpointError(
            f"adapter {folder} is XLORA, a mixture of other adapters that it names",
            fix="serve it, and give the server's URL as the model",
        )


def speaks(folder: Path) -> bool:
    """Whether a tokenizer, a chat template or end tokens are saved beside an adapter."""
    return any((folder / name).is_file() for name in _SPOKEN)


def disagreement(checkpoint: Checkpoint, adapter: Location, root: Path) -> str | None:
    """What to say where an adapter was trained on another base, None where it may be this one.

    A hub's name and a path are taken for the same if they end alike: one may be a copy.
    """
    base = _base_of(adapter.path)
    if base is None:
        return None
    paths = [under(root, name) for name in (base, checkpoint.source)]
    if all(map(exists, paths)):
        same = paths[0].resolve() == paths[1].resolve()
    else:
        ours, theirs = sorted((_last(base), _last(checkpoint.source)), key=len)
        same = theirs.startswith(ours)
    if same:
        return None
    return f"{adapter.path.name} was trained on {base}, and is put on {checkpoint.source}"


def _last(source: str) -> str:
    return Path(source.partition("@")[0]).name.casefold()


def _base_of(folder: Path) -> str | None:
    base = _config(folder).get("base_model_name_or_path")
    return base if isinstance(base, str) and base else None


def _config(folder: Path) -> dict[str, Any]:
    try:
        config = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise CheckpointError(
            f"adapter {folder}: its {CONFIG} cannot be read: {error}",
            fix="save it with peft's save_pretrained",
        ) from None
    return config if isinstance(config, dict) else {}
