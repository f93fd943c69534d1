"""A reward model as a judge: small ones, of transformers' own classes and files."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import LlamaConfig, LlamaForSequenceClassification, PreTrainedTokenizerFast

from pytest_diversity import measure
from pytest_diversity.config.quality import Quality
from pytest_diversity.errors import CheckpointError, DiversityError, JudgeError
from pytest_diversity.judges import registry
from pytest_diversity.judges.protocol import Judge, Pair, assess
from pytest_diversity.judges.tools import Tools

PAIRS = [(f"Is {word} fine?", answer) for word in ("red", "blue", "this", "that")
         for answer in ("yes", "no no no no", "yes it is", "no", "maybe yes")]  # fmt: skip
WORDS = sorted({word for pair in PAIRS for text in pair for word in text.rstrip("?").split()})
ASKED = "user Is this fine? <end>"
TEMPLATE = "{% for m in messages %}{{ m['role'] }} {{ m['content'] }} <end> {% endfor %}"


def tokenizer() -> PreTrainedTokenizerFast:
    """A word a token."""
    names = ["<unk>", "<pad>", "<end>", "user", "assistant", *WORDS]
    made = Tokenizer(models.WordLevel({name: i for i, name in enumerate(names)}, "<unk>"))
    made.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    build: Any = PreTrainedTokenizerFast
    fast: PreTrainedTokenizerFast = build(
        tokenizer_object=made, unk_token="<unk>", pad_token="<pad>", eos_token="<end>"
    )
    fast.chat_template = TEMPLATE
    return fast


def save(folder: Path, *, labels: int = 1, steps: int = 0) -> Path:
    """A small one, trained so that `yes` is preferred to `no` if there are steps."""
    torch.manual_seed(0)
    words = tokenizer()
    configured: Any = LlamaConfig
    config = configured(
        hidden_size=16, intermediate_size=32, num_hidden_layers=1, num_attention_heads=2,
        vocab_size=len(words), num_labels=labels, pad_token_id=words.pad_token_id,
        max_position_embeddings=64,
    )  # fmt: skip
    classifier: Any = LlamaForSequenceClassification
    model = classifier(config)
    optimizer = torch.optim.Adam(model.parameters(), 0.02)
    for _ in range(steps):  # Bradley and Terry: log sigmoid(chosen - rejected)
        chosen, rejected = (
            model(torch.tensor([words(f"{ASKED} assistant {text} <end>").input_ids]))
            for text in ("yes", "no")
        )
        loss: Any = -torch.nn.functional.logsigmoid(chosen.logits - rejected.logits).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.save_pretrained(folder)
    words.save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One that prefers `yes`."""
    return save(tmp_path_factory.mktemp("trained"), steps=40)


def find(source: object) -> Judge:
    """The judge of a model directory."""
    tools = Tools(lambda _: None, str, "cpu", Path(), dict)
    return registry.find(Quality(f"reward:{source}"), tools)


def test_it_prefers_what_it_was_trained_to(trained: Path) -> None:
    """Through its chat template, and measured as any other judge."""
    quality = {"judge": f"reward:{trained}", "threshold": 0.0}
    found = measure({"Is this fine?": ["yes", "no"]}, "validity", quality=quality)
    assert found.value == 0.5
    assert found.bar is not None
    scores = assess(find(trained), [("Is this fine?", t) for t in ("yes", "no")], Quality("", 0.0))
    assert scores.valid == [True, False]


def test_a_batch_changes_no_score(trained: Path) -> None:
    """Padding and the order of texts are nothing to it."""
    judge = find(trained)
    together = [*judge.score(PAIRS)]
    assert together == pytest.approx([next(iter(judge.score([pair]))) for pair in PAIRS], abs=1e-5)
    assert len({round(score or 0, 4) for score in together}) > 5


@pytest.mark.parametrize(
    "pair", [("Is it?", ""), ("", "yes"), ("Is it?", "\ud800"), ("Is it?", "yes " * 5000)]
)
def test_any_text_has_a_score(trained: Path, pair: Pair) -> None:
    """Hostile texts are nothing but texts."""
    assert assess(find(trained), [pair], Quality("", 0.0)).scores[0] is not None


def test_it_needs_a_threshold(trained: Path) -> None:
    """Only differences of rewards mean something."""
    with pytest.raises(JudgeError, match="no threshold of its own"):
        assess(find(trained), PAIRS, Quality("reward"))


def changed(folder: Path, change: Callable[[dict[str, Any]], object]) -> Path:
    """A model whose config.json says something else."""
    config = json.loads((save(folder) / "config.json").read_text())
    change(config)
    (folder / "config.json").write_text(json.dumps(config))
    return folder


def test_what_is_no_reward_model_is_refused(tmp_path: Path) -> None:
    """Before anything is drawn: no head, two labels, nothing there."""
    causal = changed(
        tmp_path / "causal", lambda config: config.update(architectures=["LlamaForCausalLM"])
    )
    with pytest.raises(CheckpointError, match="has no head that scores: it is a LlamaForCausalLM"):
        find(causal)
    with pytest.raises(CheckpointError, match="has 2 labels, and a reward model one"):
        find(save(tmp_path / "two", labels=2))
    with pytest.raises(CheckpointError, match=r"has no config\.json"):
        find(tmp_path)
    with pytest.raises(DiversityError, match="nowhere"):
        find(tmp_path / "nowhere")


def test_a_head_that_is_missing_is_not_made_up(tmp_path: Path) -> None:
    """Transformers would draw one at random."""
    from safetensors.torch import load_file, save_file  # noqa: PLC0415 - this test's alone

    path = save(tmp_path / "headless") / "model.safetensors"
    weights = {name: one for name, one in load_file(path).items() if "score" not in name}
    save_file(weights, path, metadata={"format": "pt"})
    with pytest.raises(CheckpointError, match="lacks weights: score"):
        [*find(path.parent).score(PAIRS)]


def test_pickled_weights_are_never_read(tmp_path: Path) -> None:
    """They could run anything."""
    folder = save(tmp_path / "pickled")
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    with pytest.raises(CheckpointError, match="no safetensors weights"):
        [*find(folder).score(PAIRS)]
