"""Adapters of every variant that peft saves: their texts are those of peft's own model."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import torch
from peft import IA3Config, LoraConfig, PeftModel, PromptTuningConfig, get_peft_model
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM, AutoTokenizer

from pytest_diversity.checkpoints.sources import Location
from pytest_diversity.config.file import load_config
from pytest_diversity.config.options import Options
from pytest_diversity.config.values import Checkpoint, Generation
from pytest_diversity.errors import CheckpointError
from pytest_diversity.sampling.chat import render_all
from pytest_diversity.sampling.engines.transformers import local
from pytest_diversity.sampling.engines.transformers.adapters import Adaptable, _sums
from pytest_diversity.sampling.protocol import Request, Setup

if TYPE_CHECKING:
    from tests.sampling.conftest import Said

# peft reads a property that transformers 5 has renamed, and warns of what it saves.
pytestmark = pytest.mark.filterwarnings("ignore")

GREEDY = Generation(temperature=0.0, max_tokens=12)
PROMPTS = ("the cat", "a dog ran in the park", "hello", "what is it?")
LAYERS = ["q_proj", "v_proj"]


def lora(**settings: Any) -> LoraConfig:
    return LoraConfig(
        **{"r": 4, "target_modules": LAYERS, "task_type": "CAUSAL_LM", **settings},
        init_lora_weights=False,
    )


VARIANTS: Mapping[str, Callable[[], Any]] = {
    "plain": lora,
    "of every layer": lambda: lora(target_modules="all-linear"),
    "rank-stabilised": lambda: lora(use_rslora=True, lora_alpha=3),
    "with ranks of their own": lambda: lora(rank_pattern={"q_proj": 2}),
    "with a bias in LoRA": lambda: lora(lora_bias=True),
    "with the model's biases": lambda: lora(bias="all", target_modules=["q_proj"]),
    "DoRA": lambda: lora(use_dora=True),
    "of the embeddings": lambda: lora(target_modules=["q_proj", "embed_tokens"]),
    "of the head": lambda: lora(target_modules=["q_proj", "lm_head"]),
    "with whole modules": lambda: lora(modules_to_save=["lm_head"]),
    "with whole embeddings": lambda: lora(modules_to_save=["embed_tokens", "lm_head"]),
    "with replicated layers": lambda: lora(layer_replication=[[0, 2], [1, 2]]),
    "of parameters": lambda: lora(target_modules=[], target_parameters=["up_proj.weight"]),
    "with tokens of its own": lambda: lora(trainable_token_indices=[5, 40, 41]),
    "IA3": lambda: IA3Config(
        target_modules=["k_proj", "down_proj"],
        feedforward_modules=["down_proj"],
        task_type="CAUSAL_LM",
    ),
}
MERGED = {"plain", "of every layer", "rank-stabilised", "with ranks of their own", "of the head"}


def scramble(model: Any) -> None:
    """What training would have done: all that can be trained is far from where it began."""
    torch.manual_seed(2)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.requires_grad:
                parameter.add_(torch.randn_like(parameter) * 0.3)


def train(base: Path, folder: Path, config: Any, *, tokens: int = 0) -> Path:
    """An adapter as peft saves it, on a base with so many more tokens."""
    model: Any = AutoModelForCausalLM.from_pretrained(base)
    if tokens:
        model.resize_token_embeddings(model.config.vocab_size + tokens)
    adapted = get_peft_model(model, config)
    scramble(adapted)
    adapted.save_pretrained(str(folder))
    return folder


def expected(base: Path, adapter: Path | None, *, tokens: int = 0) -> list[str]:
    """Greedy texts of peft's own model, one by one, with nothing merged."""
    model: Any = AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32)
    if tokens:
        model.resize_token_embeddings(model.config.vocab_size + tokens)
    if adapter is not None:
        model = PeftModel.from_pretrained(model, str(adapter))
    tokenizer = AutoTokenizer.from_pretrained(base)
    texts: list[Any] = []
    for prompt in PROMPTS:
        ids = tokenizer(
            f"<|user|>{prompt}<|end|><|assistant|>", add_special_tokens=False, return_tensors="pt"
        )
        output = model.eval().generate(**ids, do_sample=False, max_new_tokens=GREEDY.max_tokens)
        new = output[0, ids["input_ids"].shape[1] :]
        texts.append(tokenizer.decode(new, skip_special_tokens=True))
    return texts


@pytest.fixture
def find(tmp_path: Path) -> Callable[..., Any]:
    """A function that finds a checkpoint on the CPU in float32."""
    options = Options(device="cpu", dtype="float32", store=tmp_path / "store.sqlite")
    setup = Setup(options, tmp_path, tmp_path / "models", {})

    def find(model: Path, adapter: Path | None = None) -> Any:
        return local.find(Checkpoint("m", str(model), str(adapter) if adapter else None), setup)

    return find


def texts(engine: Any, said: Said) -> list[str]:
    requests = [Request(prompt, prompt, (0,), GREEDY) for prompt in PROMPTS]
    found = {sample.prompt: sample.text for sample in engine.sample(requests, said)}
    return [found[prompt] for prompt in PROMPTS]


@pytest.fixture(params=[False, True], ids=["own head", "tied head"])
def base(request: pytest.FixtureRequest, tmp_path: Path, make_model: Callable[..., Path]) -> Path:
    """A model whose head is its own, or its embeddings."""
    return make_model(tmp_path / "base", tied=request.param)


@pytest.mark.parametrize("case", VARIANTS)
def test_texts_are_those_of_peft(
    base: Path, tmp_path: Path, find: Callable[..., Any], said: Said, case: str
) -> None:
    """Merged or not, then the base without it is what it was, or is loaded anew."""
    adapter = train(base, tmp_path / "adapter", VARIANTS[case]())
    plain, other = expected(base, None), expected(base, adapter)
    assert plain != other
    engine = find(base, adapter).load(said)
    assert texts(engine, said) == other
    swapped = engine.swap(find(base))
    tied = json.loads((base / "config.json").read_text())["tie_word_embeddings"]
    assert swapped == (case in MERGED and not (tied and case == "of the head"))
    if swapped:
        assert texts(engine, said) == plain
        assert engine.swap(find(base, adapter))
        assert texts(engine, said) == other


def test_added_tokens_are_added(
    base: Path, tmp_path: Path, find: Callable[..., Any], said: Said
) -> None:
    """The base grows by the tokens whose embeddings are in the adapter's file."""
    config = lora(modules_to_save=["embed_tokens", "lm_head"])
    adapter = train(base, tmp_path / "adapter", config, tokens=7)
    engine = find(base, adapter).load(said)
    assert texts(engine, said) == expected(base, adapter, tokens=7)
    assert not engine.swap(find(base))


def test_embeddings_that_are_saved_along_are_used(
    base: Path, tmp_path: Path, find: Callable[..., Any], said: Said
) -> None:
    """They were resized in training, but are of no layer that the adapter names."""
    adapter = train(base, tmp_path / "adapter", lora(), tokens=7)
    engine = find(base, adapter).load(said)
    assert texts(engine, said) == expected(base, adapter, tokens=7)
    assert not engine.swap(find(base))


def test_what_leaks_is_found_by_comparison(tiny: Path) -> None:
    """A base of which anything has changed is not used again."""
    model: Any = AutoModelForCausalLM.from_pretrained(tiny)
    for weight in (model.model.norm.weight, model.model.rotary_emb.inv_freq):
        one = Adaptable(model, "cpu")
        one._base = _sums(model)
        assert one.restore()
        with torch.no_grad():
            weight.view(-1)[0] += 1e-3
        assert not one.restore()


def rename(adapter: Path, change: Callable[[str], str | None]) -> None:
    weights = load_file(adapter / "adapter_model.safetensors")
    named = {new: value for key, value in weights.items() if (new := change(key)) is not None}
    save_file(named, adapter / "adapter_model.safetensors", {"format": "pt"})


BROKEN: Mapping[str, tuple[Callable[[str], str | None], str]] = {
    "nothing matches": (
        lambda key: f"module.{key}",
        "weights have no place in the model: module.base_model.model.model.layers.0.self_attn.q",
    ),
    "a part matches": (
        lambda key: key.replace("layers.1", "layers.7"),
        "weights have no place in the model: base_model.model.model.layers.7.self_attn.q_proj",
    ),
    "a layer is missing": (
        lambda key: None if "layers.1" in key else key,
        "weights are not in its file: base_model.model.model.layers.1.self_attn.q_proj.lora_A",
    ),
}


@pytest.mark.parametrize("case", BROKEN)
def test_an_adapter_that_does_not_match_is_refused(
    tiny: Path, tmp_path: Path, find: Callable[..., Any], said: Said, case: str
) -> None:
    """Wholly or in part: three names are shown."""
    adapter = train(tiny, tmp_path / "adapter", lora())
    change, message = BROKEN[case]
    rename(adapter, change)
    with pytest.raises(CheckpointError, match=r"does not fit its base: .* and \d more") as caught:
        find(tiny, adapter).load(said)
    assert message in str(caught.value)


def test_a_value_head_is_no_fault(
    tiny: Path, tmp_path: Path, find: Callable[..., Any], said: Said
) -> None:
    """A trainer saves it along, and no text depends on it."""
    adapter = train(tiny, tmp_path / "adapter", lora())
    weights = load_file(adapter / "adapter_model.safetensors")
    weights["v_head.summary.weight"] = torch.ones(1, 32)
    save_file(weights, adapter / "adapter_model.safetensors", {"format": "pt"})
    assert texts(find(tiny, adapter).load(said), said) == expected(tiny, adapter)


def test_samples_of_another_way_to_put_adapters_on_are_others(
    tiny: Path, tmp_path: Path, find: Callable[..., Any]
) -> None:
    """What was drawn with half of an adapter is not taken for its samples; a base keeps its own."""
    adapter = train(tiny, tmp_path / "adapter", lora())
    assert find(tiny, None).identity.engine == "transformers/3"
    assert find(tiny, adapter).identity.engine == "transformers/3 adapters/2"


def test_adapters_that_depend_on_tokens_are_refused(
    tiny: Path, tmp_path: Path, find: Callable[..., Any]
) -> None:
    """Prompts that were trained are not in the model's layers."""
    config = PromptTuningConfig(task_type="CAUSAL_LM", num_virtual_tokens=4)
    adapter = train(tiny, tmp_path / "adapter", config)
    with pytest.raises(CheckpointError, match="is PROMPT_TUNING of a kind that depends on"):
        find(tiny, adapter)


def test_another_base_is_said(
    tiny: Path,
    tmp_path: Path,
    make_model: Callable[..., Path],
    find: Callable[..., Any],
    said: Said,
) -> None:
    """What an adapter says that it was trained on is compared with the model."""
    other = make_model(tmp_path / "other", seed=3)
    adapter = train(tiny, tmp_path / "adapter", lora())
    find(tiny, adapter).load(said)
    assert not [line for line in said.lines if "trained on" in line]
    find(other, adapter).load(said)
    assert f"adapter was trained on {tiny}, and is put on {other}" in said.lines


def test_what_is_saved_beside_an_adapter_is_its_own(
    tiny: Path, tmp_path: Path, find: Callable[..., Any], said: Said
) -> None:
    """Tokenizer, template and end tokens are those of training; the base keeps its own."""
    adapter = train(tiny, tmp_path / "adapter", lora())
    plain = find(tiny, adapter).identity
    tokenizer = AutoTokenizer.from_pretrained(tiny)
    tokenizer.chat_template = "{% for m in messages %}{{ m['content'] }}{% endfor %}"
    tokenizer.save_pretrained(adapter)
    (adapter / "generation_config.json").write_text(json.dumps({"eos_token_id": [0, 9]}))
    found = find(tiny, adapter)
    assert found.identity != plain
    engine = found.load(said)
    assert "adapter is drawn with its own tokenizer, chat template and end tokens" in said.lines
    asked = [Request("p", "the cat", (0,), GREEDY)]
    plainly = tuple(tokenizer("the cat")["input_ids"])
    assert render_all(engine._drawer.voice.tokenizer, asked, None) == [plainly]
    assert engine._drawer.voice.ends == {0, 9}
    assert engine.swap(find(tiny))
    assert engine._drawer.voice.ends == {0}
    (templated,) = render_all(engine._drawer.voice.tokenizer, asked, None)
    assert len(templated) > len(plainly)


def test_an_adapters_folder_is_a_model_on_its_base(
    tiny: Path, tmp_path: Path, find: Callable[..., Any], said: Said
) -> None:
    """It says which; where that is not here, the sentence shows how to say it."""
    adapter = train(tiny, tmp_path / "adapter", lora())
    assert find(adapter) == replace(find(tiny, adapter), location=Location("directory", tiny))
    assert texts(find(adapter).load(said), said) == expected(tiny, adapter)
    config = json.loads((adapter / "adapter_config.json").read_text())
    config["base_model_name_or_path"] = "/gone/base"
    (adapter / "adapter_config.json").write_text(json.dumps(config))
    with pytest.raises(
        CheckpointError, match=r"its base '/gone/base' is not here; write { model ="
    ):
        find(adapter)


def test_the_folder_of_a_run_works_as_it_is(tiny: Path, tmp_path: Path, said: Said) -> None:
    """As peft and a Trainer write it: the adapters of all steps, and what is of no interest."""
    for step in (20, 100):
        folder = train(tiny, tmp_path / f"runs/sft/checkpoint-{step}", lora(r=step // 10))
        AutoTokenizer.from_pretrained(tiny).save_pretrained(folder)
        (folder / "trainer_state.json").write_text('{"global_step": 1}')
        for name in ("optimizer.pt", "scheduler.pt", "rng_state.pth", "training_args.bin"):
            (folder / name).write_bytes(b"a pickle that nobody loads")
    (tmp_path / "diversity.toml").write_text(
        f'[checkpoints]\nsft = {{ model = "{tiny}", adapter = "runs/sft/checkpoint-*" }}\n'
    )
    config = load_config(tmp_path / "diversity.toml")
    assert config.selected == ("sft-20", "sft-100")
    options = Options(device="cpu", dtype="float32", store=tmp_path / "store.sqlite")
    setup = Setup(options, tmp_path, tmp_path / "models", {})
    first, second = (local.find(one, setup) for one in config.checkpoints.values())
    engine = first.load(said)
    assert texts(engine, said) == expected(tiny, tmp_path / "runs/sft/checkpoint-20")
    assert engine.swap(second)
    assert texts(engine, said) == expected(tiny, tmp_path / "runs/sft/checkpoint-100")
    assert "checkpoint-100 is drawn with its own tokenizer" in said.lines
