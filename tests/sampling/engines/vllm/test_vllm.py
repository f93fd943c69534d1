"""What embedding vLLM asks of it; that it answers is tried by hand, see docs/engines.md."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from pytest_diversity.config.options import Options
from pytest_diversity.config.values import Checkpoint, Generation
from pytest_diversity.errors import CheckpointError, ConfigError, MissingExtraError
from pytest_diversity.sampling.device import Environment
from pytest_diversity.sampling.engines import vllm
from pytest_diversity.sampling.engines.transformers.weights import LocalWeights
from pytest_diversity.sampling.engines.vllm.child import SEED_BITS, Start, arguments_of, settings_of
from pytest_diversity.sampling.protocol import Request, Setup

PROMPTS = [f"p{i}" for i in range(50)]


def seed(generation: Generation, prompt: str, number: int) -> int:
    """The seed of a sample as vLLM gets it."""
    return Request(prompt, "", (number,), generation).seed(number, SEED_BITS)


def test_seeds_are_spread() -> None:
    """No two samples have the same seed, nor seeds near enough to share random numbers."""
    seeds = sorted(seed(Generation(), prompt, i) for prompt in PROMPTS for i in range(32))
    assert min(b - a for a, b in pairwise(seeds)) > 2**16
    assert seeds[0] >= 0
    assert seeds[-1] < 2**63


OTHERS: Mapping[str, tuple[Generation, str, int]] = {
    "another sample": (Generation(), "p", 1),
    "another prompt": (Generation(), "q", 0),
    "another seed": (Generation(seed=1), "p", 0),
}


@pytest.mark.parametrize("case", OTHERS)
def test_a_seed_is_of_one_sample(case: str) -> None:
    """It depends on the seed of the run, the prompt and the number, and on nothing else."""
    assert seed(*OTHERS[case]) != seed(Generation(), "p", 0)
    assert seed(Generation(temperature=0.5), "p", 0) == seed(Generation(), "p", 0)


def test_settings_are_given_outright() -> None:
    """What is left open, vLLM might take from the model's own file."""
    generation = Generation(
        temperature=0.7, top_p=0.9, top_k=40, min_p=0.1, max_tokens=9, stop=("END",)
    )
    assert settings_of(generation, 5) == {
        "n": 1,
        "temperature": 0.7,
        "top_p": 0.9,
        "top_k": 40,
        "min_p": 0.1,
        "repetition_penalty": 1.0,
        "max_tokens": 9,
        "stop": ["END"],
        "seed": 5,
        "logprobs": 0,
    }


STARTS: Mapping[str, tuple[int, Mapping[str, Any], dict[str, Any]]] = {
    "a base alone": (0, {}, {"dtype": "bfloat16", "enable_prefix_caching": True}),
    "an adapter needs room for its rank": (
        32,
        {},
        {"dtype": "bfloat16", "enable_prefix_caching": True}
        | {"enable_lora": True, "max_lora_rank": 32},
    ),
    "what the user writes comes last": (
        8,
        {"tensor_parallel_size": 2, "max_lora_rank": 64, "enable_prefix_caching": False},
        {"dtype": "bfloat16", "enable_prefix_caching": False, "tensor_parallel_size": 2}
        | {"enable_lora": True, "max_lora_rank": 64},
    ),
}


@pytest.mark.parametrize("case", STARTS)
def test_engine_arguments_are_passed_on(case: str) -> None:
    """Those of the user beside those that a checkpoint needs."""
    rank, given, expected = STARTS[case]
    start = Start(Path("m"), gguf=False, dtype="bfloat16", rank=rank, cache=Path(), arguments=given)
    assert arguments_of(start) == expected


def test_arguments_of_a_checkpoint_stand_above_those_of_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both are part of the samples' key; without any, the key is vLLM's name and version alone."""
    monkeypatch.setattr(vllm, "find_spec", lambda _: True)
    (tmp_path / "m").mkdir()
    run = Options(engine="vllm", vllm={"tensor_parallel_size": 2, "max_model_len": 64})

    def find(options: Options, **arguments: Any) -> vllm.VllmModel:
        checkpoint = Checkpoint("m", "m", vllm=arguments)
        return vllm.find(checkpoint, Setup(options, tmp_path, tmp_path, {}))

    found = find(run, max_model_len=32)
    assert found.arguments == {"tensor_parallel_size": 2, "max_model_len": 32}
    assert found.identity.engine.endswith(' {"max_model_len": 32, "tensor_parallel_size": 2}')
    assert find(Options(engine="vllm")).identity.engine == f"vllm/{found.version}"


def test_the_key_says_what_was_promised(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Batch-invariant samples are others; without the flag the key is what it always was."""
    monkeypatch.setattr(vllm, "find_spec", lambda _: True)
    (tmp_path / "m").mkdir()
    where = Environment("cuda:0", "bfloat16", "")

    def model(*, deterministic: bool, **arguments: Any) -> vllm.VllmModel:
        options = Options(deterministic=deterministic)
        setup = Setup(options, tmp_path, tmp_path, {})
        found = LocalWeights.find(Checkpoint("m", "m"), setup, where=where)
        return vllm.VllmModel(found, "1", arguments)

    plain, promised = model(deterministic=False).identity, model(deterministic=True).identity
    assert plain.engine == "vllm/1"
    assert promised == replace(plain, engine="vllm/1 batch-invariant")
    several = model(deterministic=True, tensor_parallel_size=2).identity
    assert several.engine == 'vllm/1 batch-invariant {"tensor_parallel_size": 2}'


PLACES: Mapping[str, tuple[str, str, dict[str, Any], str | None, str | None]] = {
    "a CPU": ("cpu", "", {}, None, None),
    "the second GPU": ("cuda:1", "", {}, "cuda-1", "1"),
    "the second of those that may be used": ("cuda:1", "2,5", {}, "cuda-5", "5"),
    "several GPUs": ("cuda:1", "2,5", {"tensor_parallel_size": 2}, "gpus", None),
    "several processes of a CPU": ("cpu", "", {"tensor_parallel_size": 2}, None, None),
}


@pytest.mark.parametrize("case", PLACES)
def test_a_process_sees_the_gpu_that_it_locks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, case: str
) -> None:
    """So that each worker of xdist has its own; all of them where vLLM spreads the model."""
    device, visible, arguments, place, gpu = PLACES[case]
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    (tmp_path / "base").mkdir()
    where = Environment(device, "bfloat16", "")
    checkpoint, options = Checkpoint("m", "base"), Options(device="cpu")
    found = LocalWeights.find(checkpoint, Setup(options, tmp_path, tmp_path, {}), where=where)
    model = vllm.VllmModel(found, "1", arguments)
    assert (model.place, model.gpu) == (place, gpu)


RANKS: Mapping[str, tuple[str, int | str]] = {
    "as it is": ('{"peft_type": "LORA", "r": 16}', 16),
    "up to the next that vLLM has": ('{"peft_type": "LORA", "r": 24}', 32),
    "the highest of a pattern": (
        '{"peft_type": "LORA", "r": 8, "rank_pattern": {"q_proj": 48}}',
        64,
    ),
    "beyond all that vLLM has, for it to refuse": ('{"peft_type": "LORA", "r": 1000}', 1000),
    "none": ('{"peft_type": "LORA"}', "its rank cannot be read"),
    "a text": ('{"peft_type": "LORA", "r": "8", "rank_pattern": {"q": 9}}', "cannot be read"),
}


@pytest.mark.parametrize("case", RANKS)
def test_an_adapter_says_the_room_it_needs(tmp_path: Path, case: str) -> None:
    """By the rank in its configuration."""
    text, expected = RANKS[case]
    for name in ("base", "adapter"):
        (tmp_path / name).mkdir()
    (tmp_path / "adapter/adapter_config.json").write_text(text)
    (tmp_path / "adapter/adapter_model.safetensors").touch()
    setup = Setup(Options(device="cpu"), tmp_path, tmp_path, {})
    found = LocalWeights.find(Checkpoint("m", "base", "adapter"), setup)
    if isinstance(expected, int):
        assert vllm._room(found) == expected
    else:
        with pytest.raises(CheckpointError, match=expected):
            vllm._room(found)


REFUSED: Mapping[str, tuple[Checkpoint, Options]] = {
    "does not quantize": (Checkpoint("base", "m", quantization="4bit"), Options(engine="vllm")),
}


@pytest.mark.parametrize("sentence", REFUSED)
def test_what_it_does_not_promise_is_refused(sentence: str, tmp_path: Path) -> None:
    """Rather than stored under a key that says it was done."""
    checkpoint, options = REFUSED[sentence]
    with pytest.raises(ConfigError, match=sentence):
        vllm.find(checkpoint, Setup(options, tmp_path, tmp_path, {}))


@pytest.mark.skipif(find_spec("vllm") is not None, reason="vLLM is installed")
def test_without_vllm_one_sentence_says_what_to_install(tmp_path: Path) -> None:
    """Before anything is looked for or loaded."""
    with pytest.raises(MissingExtraError, match=r"pytest-diversity\[vllm\]"):
        vllm.find(Checkpoint("base", "m"), Setup(Options(engine="vllm"), tmp_path, tmp_path, {}))
