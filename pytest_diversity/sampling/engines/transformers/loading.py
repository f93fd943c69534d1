"""Loading a model and its tokenizer, quietly, and with one sentence where it fails."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
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
from pytest_diversity.errors import CheckpointError, DiversityError, unexpected
from pytest_diversity.sampling.device import Environment
from pytest_diversity.sampling.engines.transformers.gguf import converted
from pytest_diversity.sampling.engines.transformers.libraries import demand_bitsandbytes
from pytest_diversity.sampling.engines.transformers.whole import (
    demand_all,
    demand_language_model,
    demand_weights,
)

__all__ = ["Loaded", "explained", "load", "load_tokenizer", "silence", "without_warnings"]


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
        demand_weights(path)
    config = AutoConfig.from_pretrained(path, trust_remote_code=False)
    demand_language_model(path, config)
    dtype = getattr(torch, environment.dtype)
    kind: Any = AutoModelForSeq2SeqLM if config.is_encoder_decoder else AutoModelForCausalLM
    model, found = kind.from_pretrained(
        path,
        dtype=dtype,
        use_safetensors=True,
        trust_remote_code=False,
        output_loading_info=True,
        ignore_mismatched_sizes=True,  # which are said, and refused with the missing ones
        **_quantized(environment, dtype),
    )
    demand_all(path, model, found)
    return Loaded(load_tokenizer(path), model, tuple(sorted(found["unexpected_keys"])))


def load_tokenizer(path: Path) -> Any:
    """A tokenizer that can pad."""
    tokenizer = AutoTokenizer.from_pretrained(path, trust_remote_code=False)
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token
    return tokenizer


def _quantized(environment: Environment, dtype: torch.dtype) -> dict[str, Any]:
    """What `from_pretrained` is told to quantise the weights.

    Raises:
        MissingExtraError: bitsandbytes is not installed.
    """
    if environment.quantization is None:
        return {}
    demand_bitsandbytes(environment.quantization)
    config: Any = BitsAndBytesConfig
    bits = {f"load_in_{environment.quantization}": True}
    return {
        "quantization_config": config(**bits, bnb_4bit_compute_dtype=dtype),
        "device_map": {"": environment.device},
    }


@contextmanager
def explained(
    what: str, *, fix: str = "it must be a language model that transformers can load"
) -> Iterator[None]:
    """Turn whatever the libraries raise on a model they cannot load into one sentence."""
    try:
        yield
    except DiversityError:
        raise
    except Exception as error:  # safetensors, tokenizers and jinja have types of their own
        raise CheckpointError(f"{what} cannot be loaded: {unexpected(error)}", fix=fix) from error


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
