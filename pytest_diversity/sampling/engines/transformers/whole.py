"""Whether a model is a language model, and all of it is there."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pytest_diversity.errors import CheckpointError, some

__all__ = ["demand_all", "demand_language_model", "demand_weights"]

_OTHER = re.compile(r"(Classification|QuestionAnswering|MultipleChoice)$")
_WRAPPERS = ("module.", "_orig_mod.")  # of what a model was trained in: DDP, torch.compile


def demand_weights(path: Path) -> None:
    """Refuse a folder without weights; those of a trainer's run, or GGUF files in it, are named.

    Raises:
        CheckpointError: There are none.
    """
    if list(path.glob("*.safetensors")):
        return
    below = sorted(file.parent.name for file in path.glob("checkpoint-*/*config.json"))
    files = [file.name for file in path.glob("*.gguf")]
    fix = "save it with model.save_pretrained(path); pickled weights are never loaded"
    if below or files:
        fix = f"it has {some({*below, *files})}: name one, or {path}/checkpoint-* for all"
    raise CheckpointError(f"checkpoint {path} has no safetensors weights", fix=fix)


def demand_language_model(path: Path, config: Any) -> None:
    """Refuse a classifier: its head is another, but where that is tied nothing would be missing.

    Raises:
        CheckpointError: It is one.
    """
    names = [name for name in config.architectures or () if _OTHER.search(name)]
    if names:
        raise CheckpointError(
            f"checkpoint {path} is no language model but {names[0]}",
            fix="name the model that it was made from, or one that writes texts",
        )


def demand_all(path: Path, model: Any, found: Mapping[str, Any]) -> None:
    """Refuse a model of which anything was left as it was made: drawn at random, or nowhere.

    Args:
        path: Where it is from.
        model: As it was loaded.
        found: The `output_loading_info` of `from_pretrained`.

    Raises:
        CheckpointError: A parameter is missing, or has another shape.
    """
    unread = {name for name, weight in model.named_parameters() if weight.is_meta}
    sizes = {key if isinstance(key, str) else key[0] for key in found["mismatched_keys"]}
    wrong = {
        "lacks weights": {*found["missing_keys"], *unread} - sizes,
        "has weights of other shapes than its config.json says": sizes,
    }
    for what, names in wrong.items():
        if names:
            raise CheckpointError(f"checkpoint {path} {what}: {some(names)}", fix=_cure(found))


def _cure(found: Mapping[str, Any]) -> str:
    for prefix in _WRAPPERS:
        if any(prefix in key for key in found["unexpected_keys"]):
            return f"its weights are named {prefix}...: save the model that is wrapped"
    return "save the whole model with model.save_pretrained(path)"
