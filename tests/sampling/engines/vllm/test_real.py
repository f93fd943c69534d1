"""vLLM itself with SmolLM2, by hand where it is installed: `pytest -m vllm`, docs/engines.md."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForCausalLM

from pytest_diversity.config.options import Options
from pytest_diversity.config.values import Checkpoint, Generation
from pytest_diversity.errors import ConfigError, DiversityError, SamplingError
from pytest_diversity.sampling.engines import vllm
from pytest_diversity.sampling.engines.transformers import local
from pytest_diversity.sampling.engines.vllm import VllmEngine, VllmModel
from pytest_diversity.sampling.protocol import Request, Setup
from tests.sampling.conftest import SMOLLM2, Said

pytestmark = pytest.mark.vllm

# On a CPU vLLM takes nine tenths of the memory unless told otherwise.
ARGUMENTS = {"max_model_len": 512, "enforce_eager": True, "gpu_memory_utilization": 0.1}
OPTIONS = Options(device="cpu", dtype="float32", engine="vllm", vllm=ARGUMENTS)
PROMPTS = ("Write a haiku about the sea.", "What is the capital of France?")
GREEDY = Generation(temperature=0.0, max_tokens=12)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the converted weights are kept."""
    return tmp_path_factory.mktemp("models")


@pytest.fixture(scope="module")
def adapter(tmp_path_factory: pytest.TempPathFactory, folder: Path) -> Path:
    """A LoRA adapter of rank 24 that says other things than its base."""
    peft = pytest.importorskip("peft")
    found = local.find(Checkpoint("base", SMOLLM2), Setup(OPTIONS, Path(), folder, {}))
    found.load(Said()).close()  # converts the file
    base = AutoModelForCausalLM.from_pretrained(found.cache)
    torch.manual_seed(0)
    config = peft.LoraConfig(r=24, lora_alpha=48, target_modules=["q_proj", "v_proj", "o_proj"])
    adapted = peft.get_peft_model(base, config)
    for name, weights in adapted.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(weights, std=0.3)
    path = tmp_path_factory.mktemp("adapter")
    adapted.save_pretrained(path)
    return path


@pytest.fixture(scope="module")
def model(folder: Path) -> Callable[..., VllmModel]:
    """Finds SmolLM2 for vLLM, with an adapter or engine arguments."""

    def find(**settings: Any) -> VllmModel:
        return vllm.find(Checkpoint("m", SMOLLM2, **settings), Setup(OPTIONS, Path(), folder, {}))

    return find


@pytest.fixture(scope="module")
def engine(model: Callable[..., VllmModel], adapter: Path) -> Iterator[VllmEngine]:
    """One that was loaded for the adapter, and so has room for it."""
    with ExitStack() as stack:
        loaded = VllmEngine(model(adapter=str(adapter)), Said())
        stack.callback(loaded.close)
        yield loaded


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU here")
def test_what_a_cpu_cannot_keep_is_refused(folder: Path) -> None:
    """By the process itself, too, which asks vLLM for its variables and its platform."""
    setup = Setup(replace(OPTIONS, deterministic=True), Path(), folder, {})
    found = local.find(Checkpoint("m", SMOLLM2), setup)
    with pytest.raises(ConfigError, match="cannot be relied on, since its platform is 'cpu'; use"):
        VllmEngine(VllmModel(found, "1", ARGUMENTS), Said())


def texts(engine: Any, generation: Generation, count: int = 1) -> dict[tuple[str, int], str]:
    """What is drawn, by prompt and number."""
    requests = [Request(prompt, prompt, tuple(range(count)), generation) for prompt in PROMPTS]
    return {(one.prompt, one.index): one.text for one in engine.sample(requests, Said())}


def test_an_adapter_and_its_base_take_turns(
    engine: VllmEngine, model: Callable[..., VllmModel], adapter: Path, folder: Path
) -> None:
    """Greedy texts of both, without loading anew, are those of the embedded engine."""
    expected = {}
    for name in (None, str(adapter)):
        found = local.find(Checkpoint("m", SMOLLM2, name), Setup(OPTIONS, Path(), folder, {}))
        embedded = found.load(Said())
        expected[name] = texts(embedded, GREEDY)
        embedded.close()
    assert expected[None] != expected[str(adapter)]
    for name in (str(adapter), None, str(adapter)):
        assert engine.swap(model(adapter=name))
        assert texts(engine, GREEDY) == expected[name]


def test_samples_differ_and_repeat(engine: VllmEngine, model: Callable[..., VllmModel]) -> None:
    """Texts vary; asked again, each gives the same, in another batch too."""
    assert engine.swap(model())
    settings = Generation(max_tokens=24)
    drawn = texts(engine, settings, 8)
    assert len(set(drawn.values())) > 12
    again = texts(engine, settings, 4)
    assert again == {key: drawn[key] for key in again}


def test_every_setting_reaches_vllm(engine: VllmEngine, model: Callable[..., VllmModel]) -> None:
    """One likeliest token is greedy, a stop string ends a text, and log-probabilities come."""
    assert engine.swap(model())
    greedy = texts(engine, GREEDY)
    assert texts(engine, Generation(top_k=1, max_tokens=12)) == greedy
    assert texts(engine, Generation(min_p=1.0, max_tokens=12)) == greedy
    capital = Request("p", PROMPTS[1], (0,), Generation(temperature=0.0, stop=("Paris",)))
    (sample,) = engine.sample([capital], Said())
    assert "Paris" not in sample.text
    assert sample.finish_reason == "stop"
    assert sample.logprob is not None
    assert sample.logprob < 0


def test_other_arguments_are_another_engine(
    engine: VllmEngine, model: Callable[..., VllmModel]
) -> None:
    """They are part of the samples' key, and need a process of their own."""
    other = model(vllm={"max_model_len": 256})
    assert other.identity != model().identity
    assert not engine.swap(other)


WRONG: Mapping[str, tuple[dict[str, Any], str]] = {
    "unknown": ({"tensor_paralel_size": 2}, "no argument 'tensor_paralel_size'.*did you mean"),
    "out of range": ({"max_model_len": 10**6}, "vLLM failed: .*max_model_len.*greater than"),
    "for more memory than is free": (
        {"gpu_memory_utilization": 0.99},
        "vLLM failed: .*memory.*--gpu-memory-utilization",
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_an_argument_that_cannot_be_used_is_one_sentence(
    model: Callable[..., VllmModel], case: str
) -> None:
    """Before anything is drawn."""
    arguments, sentence = WRONG[case]
    with pytest.raises(DiversityError, match=sentence):
        VllmEngine(model(vllm=arguments), Said())


def test_a_process_that_is_killed_is_one_sentence(model: Callable[..., VllmModel]) -> None:
    """What arrived before came through; the error names the exit code."""
    killed = VllmEngine(model(), Said())
    request = Request("p", PROMPTS[0], tuple(range(8)), Generation(max_tokens=64))
    samples = killed.sample([request], Said())
    next(samples)
    os.kill(killed._process.pid or 0, signal.SIGKILL)
    with pytest.raises(SamplingError, match=r"died \(exit code -9\)"):
        list(samples)
    killed.close()
