"""A model of which anything is missing is refused: what is missing would be drawn at random."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from fnmatch import fnmatch
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import torch
from safetensors.torch import load_file, save_file

from pytest_diversity.config.values import Generation
from pytest_diversity.errors import CheckpointError, SamplingError
from pytest_diversity.sampling.engines.transformers.engine import TransformersEngine
from pytest_diversity.sampling.protocol import Request

if TYPE_CHECKING:
    from tests.sampling.conftest import Said

Weights = dict[str, torch.Tensor]


def save(folder: Path, weights: Weights) -> None:
    save_file(weights, folder / "model.safetensors", {"format": "pt"})


def without(part: str) -> Callable[[Weights], Weights]:
    return lambda weights: {key: value for key, value in weights.items() if part not in key}


def prefixed(prefix: str) -> Callable[[Weights], Weights]:
    return lambda weights: {f"{prefix}{key}": value for key, value in weights.items()}


def cut(weights: Weights) -> Weights:
    norm = "model.norm.weight"
    return {**weights, norm: weights[norm][:-1].clone()}


BROKEN: Mapping[str, tuple[Callable[[Weights], Weights], str]] = {
    "wrapped for several GPUs": (
        prefixed("module."),
        "lacks weights: lm_head.weight, model.embed_tokens.weight, model.layers.0.* and 18 more; *",
    ),
    "compiled": (prefixed("_orig_mod."), "*; its weights are named _orig_mod....: save the model*"),
    "no head": (without("lm_head"), "lacks weights: lm_head.weight; save the whole model with *"),
    "a layer is missing": (
        without("layers.1."),
        "lacks weights: model.layers.1.input_layernorm.weight, model.layers.1.mlp.* and 6 more;*",
    ),
    "a weight of another shape": (
        cut,
        "has weights of other shapes than its config.json says: model.norm.weight; save the whole*",
    ),
}


@pytest.mark.parametrize("case", BROKEN)
def test_missing_weights_are_refused(
    tmp_path: Path,
    make_model: Callable[..., Path],
    load_engine: Callable[[Path], TransformersEngine],
    case: str,
) -> None:
    """Three of them are named, and how it is mended."""
    change, message = BROKEN[case]
    folder = make_model(tmp_path / "model")
    save(folder, change(load_file(folder / "model.safetensors")))
    with pytest.raises(CheckpointError) as caught:
        load_engine(folder)
    said = str(caught.value).removeprefix(f"checkpoint {folder} ")
    assert fnmatch(said, message), said


def test_what_a_tied_head_lacks_is_not_missing(
    tmp_path: Path,
    make_model: Callable[..., Path],
    load_engine: Callable[[Path], TransformersEngine],
) -> None:
    """Its head is its embeddings, and is saved once."""
    folder = make_model(tmp_path / "model", tied=True)
    assert "lm_head.weight" not in load_file(folder / "model.safetensors")
    load_engine(folder)


def test_a_value_head_is_no_fault(
    tmp_path: Path,
    make_model: Callable[..., Path],
    load_engine: Callable[[Path], TransformersEngine],
    said: Said,
) -> None:
    """What the model has no place for is said."""
    folder = make_model(tmp_path / "model")
    weights = load_file(folder / "model.safetensors")
    save(folder, {**weights, "v_head.summary.weight": torch.ones(1, 32)})
    load_engine(folder)
    assert "model: weights that it does not use: v_head.summary.weight" in said.lines


def test_a_classifier_is_refused(
    tmp_path: Path,
    make_model: Callable[..., Path],
    load_engine: Callable[[Path], TransformersEngine],
) -> None:
    """Even one whose head would be its embeddings, so that no weight is missing."""
    folder = make_model(tmp_path / "model", tied=True)
    config = json.loads((folder / "config.json").read_text())
    config["architectures"] = ["LlamaForSequenceClassification"]
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(CheckpointError, match="no language model but LlamaForSequenceClassif"):
        load_engine(folder)


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
@pytest.mark.parametrize("temperature", [0.0, 1.0])
@pytest.mark.parametrize("shares", [True, False], ids=["together", "by generate"])
def test_logits_that_are_no_numbers_end_the_run(
    tmp_path: Path,
    make_model: Callable[..., Path],
    load_engine: Callable[[Path], TransformersEngine],
    said: Said,
    *,
    number: float,
    temperature: float,
    shares: bool,
) -> None:
    """No text of theirs is a sample."""
    folder = make_model(tmp_path / "model")
    weights = load_file(folder / "model.safetensors")
    weights["model.norm.weight"][0] = number
    save(folder, weights)
    engine = load_engine(folder)
    engine._drawer.shares = shares
    settings = Generation(temperature=temperature, max_tokens=4)
    with pytest.raises(SamplingError, match="the model's logits are NaN or infinite"):
        list(engine.sample([Request("p", "the cat", (0, 1), settings)], said))


def test_a_prompt_of_unknown_tokens_is_refused(
    tiny: Path, load_engine: Callable[[Path], TransformersEngine], said: Said
) -> None:
    """A tokenizer of another model gives numbers that no embedding has."""
    engine = load_engine(tiny)
    engine._drawer.voice.tokenizer.add_tokens(["<new>"])
    with pytest.raises(SamplingError, match="the prompt 'p' has token 286, and the model 286 of"):
        list(engine.sample([Request("p", "a <new> cat", (0,), Generation())], said))


def test_a_run_folder_names_its_checkpoints(
    tmp_path: Path,
    make_model: Callable[..., Path],
    load_engine: Callable[[Path], TransformersEngine],
) -> None:
    """A trainer's folder has no weights of its own before the end of training."""
    make_model(tmp_path / "run/checkpoint-100")
    with pytest.raises(
        CheckpointError, match=r"it has checkpoint-100: name one, or .*/checkpoint-"
    ):
        load_engine(tmp_path / "run")
