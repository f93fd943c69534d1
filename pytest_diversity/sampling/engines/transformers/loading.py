"""Loading a model and its tokenizer, quietly, and with one sentence where it fails."""

from __future__ import annotations

import logging
import re
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

import torch
import transformers
from transformers import (
    AutoConfig,
    AutoModelForCausalLM,
    AutoModelForSeq2SeqLM,
    AutoTokenizer,
    BitsAndBytesConfig,
)

from pytest_diversity.checkpoints.sources import Location
from pytest_diversity.errors import (
    CheckpointError,
    DiversityError,
    MissingExtraError,
    some,
    unexpected,
)
from pytest_diversity.sampling.device import Environment
from pytest_diversity.sampling.engines.transformers.gguf import converted

__all__ = ["Loaded", "explained", "load", "load_tokenizer", "silence", "without_warnings"]


_OTHER = re.compile(r"(Classification|QuestionAnswering|MultipleChoice)$")
_WRAPPERS = ("module.", "_orig_mod.")  # of what a model was trained in: DDP, torch.compile


class Loaded(NamedTuple):
    """A checkpoint in memory.

    Attributes:
        tokenizer: Its tokenizer.
        model: Its model, not yet on its device.
        unused: Names in its files that the model has no place for.
    """

    tokenizer: Any
    model: Any
    unused: tuple[str, ...]


def load(location: Location, environment: Environment, folder: Path) -> Loaded:
    """The tokenizer and the model of a checkpoint, whose weights are all there.

    Args:
        location: A directory with safetensors weights, or a GGUF file.
        environment: Device, number format and quantisation.
        folder: Where a GGUF file's weights are kept once converted.

    Raises:
        CheckpointError: It has no safetensors weights, or not all of them.
        MissingExtraError: A library is not installed.
    """
    path = location.path
    if location.kind == "gguf":
        path = converted(path, environment.dtype, folder)
    else:
        _demand_weights(path)
    config = AutoConfig.from_pretrained(path)
    _demand_language_model(path, config)
    dtype = getattr(torch, environment.dtype)
    kind: Any = AutoModelForSeq2SeqLM if config.is_encoder_decoder else AutoModelForCausalLM
    model, found = kind.from_pretrained(
        path,
        dtype=dtype,
        use_safetensors=True,
        output_loading_info=True,
        ignore_mismatched_sizes=True,  # which are said, and refused with the missing ones
        **_quantized(environment, dtype),
    )
    _demand_all(path, model, found)
    return Loaded(load_tokenizer(path), model, tuple(sorted(found["unexpected_keys"])))


def load_tokenizer(path: Path) -> Any:
    """A tokenizer that can pad."""
    tokenizer = AutoTokenizer.from_pretrained(path)
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token
    return tokenizer


def _demand_weights(path: Path) -> None:
    if list(path.glob("*.safetensors")):
        return
    below = sorted(file.parent.name for file in path.glob("checkpoint-*/*config.json"))
    files = [file.name for file in path.glob("*.gguf")]
    fix = "save it with model.save_pretrained(path); pickled weights are never loaded"
    if below or files:
        fix = f"it has {some({*below, *files})}: name one, or {path}/checkpoint-* for all"
    raise CheckpointError(f"checkpoint {path} has no safetensors weights", fix=fix)


def _demand_language_model(path: Path, config: Any) -> None:
    """Its body alone would be there, and often its head is the embeddings, so that none lacks."""
    names = [name for name in config.architectures or () if _OTHER.search(name)]
    if names:
        raise CheckpointError(
            f"checkpoint {path} is no language model but {names[0]}",
            fix="name the model that it was made from, or one that writes texts",
        )


def _demand_all(path: Path, model: Any, found: Mapping[str, Any]) -> None:
    """Refuse a model of which anything was left as it was made: drawn at random, or nowhere."""
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


def _quantized(environment: Environment, dtype: torch.dtype) -> dict[str, Any]:
    """What `from_pretrained` is told to quantise the weights.

    Raises:
        MissingExtraError: bitsandbytes is not installed.
    """
    if environment.quantization is None:
        return {}
    if find_spec("bitsandbytes") is None:
        what = f"{environment.quantization} weights"
        raise MissingExtraError(what, package="bitsandbytes", extra="quantized")
    config: Any = BitsAndBytesConfig
    bits = {f"load_in_{environment.quantization}": True}
    return {
        "quantization_config": config(**bits, bnb_4bit_compute_dtype=dtype),
        "device_map": {"": environment.device},
    }


@contextmanager
def explained(what: str) -> Iterator[None]:
    """Turn whatever the libraries raise on a model they cannot load into one sentence."""
    try:
        yield
    except DiversityError:
        raise
    except Exception as error:  # safetensors, tokenizers and jinja have types of their own
        raise CheckpointError(
            f"{what} cannot be loaded: {unexpected(error)}",
            fix="it must be a language model that transformers can load",
        ) from error


@contextmanager
def without_warnings() -> Iterator[None]:
    """Libraries warn each other of deprecations; under `-W error` those would fail a user's run."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def silence() -> None:
    """Loading bars and hints would stand in the middle of a test run."""
    transformers.utils.logging.set_verbosity_error()  # type: ignore[no-untyped-call]
    transformers.utils.logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    logging.getLogger("peft").setLevel(logging.ERROR)
