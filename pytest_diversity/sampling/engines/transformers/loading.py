"""Loading a model and its tokenizer, quietly, and with one sentence where it fails."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

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
    first_line,
)
from pytest_diversity.sampling.device import Environment
from pytest_diversity.sampling.engines.transformers.gguf import converted

__all__ = ["explained", "load", "silence", "without_warnings"]


def load(location: Location, environment: Environment, folder: Path) -> tuple[Any, Any]:
    """The tokenizer and the model of a checkpoint, in memory but not yet on its device.

    Args:
        location: A directory with safetensors weights, or a GGUF file.
        environment: Device, number format and quantisation.
        folder: Where a GGUF file's weights are kept once converted.

    Raises:
        CheckpointError: It has no safetensors weights.
        MissingExtraError: A library is not installed.
    """
    path = location.path
    if location.kind == "gguf":
        path = converted(path, environment.dtype, folder)
    elif not list(path.glob("*.safetensors")):
        raise CheckpointError(
            f"checkpoint {path} has no safetensors weights",
            fix="save it with model.save_pretrained(path); pickled weights are never loaded",
        )
    tokenizer = AutoTokenizer.from_pretrained(path)
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token
    encodes = AutoConfig.from_pretrained(path).is_encoder_decoder
    kind = AutoModelForSeq2SeqLM if encodes else AutoModelForCausalLM
    dtype = getattr(torch, environment.dtype)
    model = kind.from_pretrained(
        path, dtype=dtype, use_safetensors=True, **_quantized(environment, dtype)
    )
    return tokenizer, model


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
            f"{what} cannot be loaded: {first_line(error)}",
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
