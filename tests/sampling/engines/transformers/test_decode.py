"""Many architectures, tiny and random: greedy text is that of `generate`, however it is drawn."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import torch
import transformers
from transformers import PreTrainedTokenizerFast

from pytest_diversity.config.values import Generation
from pytest_diversity.sampling.engines.transformers.attention import fold_heads
from pytest_diversity.sampling.engines.transformers.decode import Row, decode
from pytest_diversity.sampling.engines.transformers.engine import TransformersEngine
from pytest_diversity.sampling.protocol import Request
from tests.sampling.conftest import Said

PROMPTS = ("the cat", "a dog ran in the park, and the dog sat", "hello")
LENGTH = 16  # beyond the sliding windows
LONG = 80  # beyond the room that buffers have at first

LLAMA = {
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 128,
    "initializer_range": 0.3,
}
GPT2 = {"n_embd": 32, "n_layer": 2, "n_head": 4, "n_positions": 128, "initializer_range": 0.3}
EXPERTS = {"num_experts": 4, "num_experts_per_tok": 2, "moe_intermediate_size": 16}
WINDOW = {"sliding_window": 8}


class Case(NamedTuple):
    """An architecture: the prefix of its classes, and its configuration beside the tokens."""

    name: str
    config: dict[str, Any]


SHARED = {
    "Llama": Case("Llama", LLAMA),
    "Llama with a head of keys for each of queries": Case(
        "Llama", LLAMA | {"num_key_value_heads": 4}
    ),
    "Mistral with a sliding window": Case("Mistral", LLAMA | WINDOW),
    "Mixtral, a mixture of experts": Case("Mixtral", LLAMA | {"num_local_experts": 4}),
    "Qwen2": Case("Qwen2", LLAMA),
    "Qwen3": Case("Qwen3", LLAMA | {"head_dim": 8}),
    "Qwen3 with experts": Case("Qwen3Moe", LLAMA | EXPERTS | {"head_dim": 8}),
    "Gemma 2, windows and capped scores": Case(
        "Gemma2", LLAMA | WINDOW | {"head_dim": 8, "query_pre_attn_scalar": 8}
    ),
    "Cohere 2, windows and parallel layers": Case("Cohere2", LLAMA | WINDOW),
    "GPT-OSS, experts and attention sinks": Case(
        "GptOss",
        LLAMA | WINDOW | {"head_dim": 8, "num_local_experts": 4, "num_experts_per_tok": 2},
    ),
    "DeepSeek V3, latent attention": Case(
        "DeepseekV3",
        LLAMA
        | {"num_key_value_heads": 4, "q_lora_rank": 8, "kv_lora_rank": 8, "v_head_dim": 8}
        | {"qk_rope_head_dim": 4, "qk_nope_head_dim": 4, "first_k_dense_replace": 1}
        | {"n_routed_experts": 4, "num_experts_per_tok": 2, "n_group": 1, "topk_group": 1}
        | {"moe_intermediate_size": 16},
    ),
    "Phi": Case("Phi", LLAMA),
    "Phi 3": Case("Phi3", LLAMA),
    "Granite": Case("Granite", LLAMA),
    "Falcon, one head of keys": Case(
        "Falcon",
        {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4}
        | {"initializer_range": 0.3},
    ),
    "GPT-2, learned positions": Case("GPT2", GPT2),
    "GPT-J, its own rotary layout": Case("GPTJ", GPT2 | {"rotary_dim": 8}),
    "StarCoder, one head of keys": Case("GPTBigCode", GPT2),
    "OPT, learned positions with an offset": Case(
        "OPT",
        {"hidden_size": 32, "ffn_dim": 48, "num_hidden_layers": 2, "num_attention_heads": 4}
        | {"word_embed_proj_dim": 32, "max_position_embeddings": 128, "init_std": 0.3},
    ),
}
GENERATED = {
    "Bloom, positions in the scores": Case(
        "Bloom", {"hidden_size": 32, "n_layer": 2, "n_head": 4, "initializer_range": 0.3}
    ),
    "Mamba, a state in place of a cache": Case(
        "Mamba",
        {"hidden_size": 32, "num_hidden_layers": 2, "state_size": 4, "initializer_range": 0.3},
    ),
    "LFM2, convolutions and attention": Case(
        "Lfm2", LLAMA | {"layer_types": ["conv", "full_attention"]}
    ),
    "Bamba, Mamba and attention": Case(
        "Bamba",
        LLAMA
        | {"attn_layer_indices": [1], "mamba_n_heads": 4, "mamba_d_head": 16}
        | {"mamba_d_state": 8, "mamba_n_groups": 1},
    ),
    "T5, an encoder and a decoder": Case(
        "T5",
        {"d_model": 32, "d_kv": 8, "d_ff": 48, "num_layers": 2, "num_heads": 4}
        | {"initializer_factor": 3.0, "decoder_start_token_id": 1},
    ),
    "BART, an encoder and learned positions": Case(
        "Bart",
        {"d_model": 32, "encoder_layers": 1, "decoder_layers": 1, "init_std": 0.3}
        | {"encoder_attention_heads": 4, "decoder_attention_heads": 4}
        | {"encoder_ffn_dim": 48, "decoder_ffn_dim": 48, "max_position_embeddings": 128}
        | {"decoder_start_token_id": 1, "forced_eos_token_id": None},
    ),
}


def _save(case: Case, tokenizer: PreTrainedTokenizerFast, folder: Path) -> Any:
    """The model, which is also saved with its tokenizer."""
    make: Any = getattr(transformers, f"{case.name}Config")
    ids = {"eos_token_id": tokenizer.eos_token_id, "pad_token_id": 1, "bos_token_id": 2}
    config = make(**case.config, **ids, vocab_size=len(tokenizer))
    kind = "ForConditionalGeneration" if config.is_encoder_decoder else "ForCausalLM"
    name = {"GPT2": "GPT2LMHeadModel"}.get(case.name, f"{case.name}{kind}")
    torch.manual_seed(0)
    model = getattr(transformers, name)(config).eval()
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return model


def _expected(model: Any, tokenizer: PreTrainedTokenizerFast, prompt: str) -> str:
    rendered = f"<|user|>{prompt}<|end|><|assistant|>"
    ids = torch.tensor([tokenizer(rendered)["input_ids"]])
    output = model.generate(
        ids, attention_mask=torch.ones_like(ids), do_sample=False, max_new_tokens=LENGTH
    )
    start = 1 if model.config.is_encoder_decoder else ids.shape[1]
    return str(tokenizer.decode(output[0, start:], skip_special_tokens=True))


@pytest.mark.parametrize("name", [*SHARED, *GENERATED])
def test_greedy_text_is_that_of_generate(
    load_engine: Callable[[Path], TransformersEngine],
    tokenizer: PreTrainedTokenizerFast,
    said: Said,
    tmp_path: Path,
    name: str,
) -> None:
    """Prompts of three lengths, two samples each; what cannot be shared is served and said so."""
    model = _save((SHARED | GENERATED)[name], tokenizer, tmp_path / "model")
    engine = load_engine(tmp_path / "model")
    settings = Generation(temperature=0.0, max_tokens=LENGTH)
    requests = [Request(prompt, prompt, (0, 1), settings) for prompt in PROMPTS]
    texts = {(sample.prompt, sample.index): sample.text for sample in engine.sample(requests, said)}
    for prompt in PROMPTS:
        expected = _expected(model, tokenizer, prompt)
        assert [texts[prompt, 0], texts[prompt, 1]] == [expected, expected]
    falls_back = "model: its cache cannot be shared, so generate draws" in said.lines
    assert falls_back == (name in GENERATED)


@pytest.mark.parametrize("name", SHARED)
def test_in_bfloat16_a_token_has_the_probability_that_it_is_drawn_with(
    tokenizer: PreTrainedTokenizerFast, tmp_path: Path, name: str
) -> None:
    """Up to rounding it is that of one forward pass over the whole text, padded rows included."""
    _save(SHARED[name], tokenizer, tmp_path)
    load: Any = transformers.AutoModelForCausalLM.from_pretrained
    model, plain = (load(tmp_path, dtype=torch.bfloat16) for _ in range(2))
    fold_heads(model)
    rows = [Row(tuple(range(4, 4 + length)), key) for length in (3, 20) for key in (1, 2)]
    settings = Generation(max_tokens=LONG)
    list(decode(model, rows, settings, ends=lambda _: False, on_step=lambda _: None))
    for row in rows:
        ids = torch.tensor([[*row.prompt, *row.tokens]])
        with torch.inference_mode():
            logprobs = plain(ids).logits[0, len(row.prompt) - 1 : -1].float().log_softmax(-1)
        expected = logprobs[torch.arange(LONG), torch.tensor(row.tokens)].sum().item()
        assert row.logprob == pytest.approx(expected, rel=0.01)


@pytest.mark.parametrize("name", GENERATED)
def test_what_generate_serves_is_sampled(
    load_engine: Callable[[Path], TransformersEngine],
    tokenizer: PreTrainedTokenizerFast,
    said: Said,
    tmp_path: Path,
    name: str,
) -> None:
    """Its samples differ, and each has its number, length and reason."""
    _save(GENERATED[name], tokenizer, tmp_path / "model")
    settings = Generation(max_tokens=LENGTH, top_p=0.95, repetition_penalty=1.1)
    requests = [Request(prompt, prompt, (0, 1, 2, 3), settings) for prompt in PROMPTS]
    samples = list(load_engine(tmp_path / "model").sample(requests, said))
    assert {(sample.prompt, sample.index) for sample in samples} == {
        (prompt, number) for prompt in PROMPTS for number in range(4)
    }
    assert len({sample.text for sample in samples}) > 4
    for sample in samples:
        assert sample.tokens is not None
        assert sample.finish_reason == ("length" if sample.tokens == LENGTH else "stop")
