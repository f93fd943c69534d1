"""trl's trainers are looked into, and none notices."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from datasets import Dataset
from peft import LoraConfig
from transformers import AutoTokenizer, set_seed
from trl.trainer.dpo_config import DPOConfig
from trl.trainer.dpo_trainer import DPOTrainer
from trl.trainer.grpo_config import GRPOConfig
from trl.trainer.grpo_trainer import GRPOTrainer
from trl.trainer.sft_config import SFTConfig
from trl.trainer.sft_trainer import SFTTrainer

from pytest_diversity.training import DiversityCallback

pytestmark = [
    pytest.mark.long,
    pytest.mark.filterwarnings("ignore::FutureWarning"),  # of transformers, on what trl passes
]


def _turn(role: str, text: str) -> list[dict[str, str]]:
    return [{"role": role, "content": text}]


ROWS = [
    {
        "prompt": _turn("user", f"the cat {i}"),
        "chosen": _turn("assistant", f"sat on the mat {i}"),
        "rejected": _turn("assistant", f"ran in the park {i}"),
    }
    for i in range(24)
]


def _rows(**columns: str) -> Dataset:
    """The rows with these columns, named so."""
    return Dataset.from_list([{new: row[old] for new, old in columns.items()} for row in ROWS])


def _length(completions: list[list[dict[str, str]]], **_: Any) -> list[float | None]:
    return [float(len(turns[0]["content"])) for turns in completions]


def _supervised(common: dict[str, Any], **rest: Any) -> Any:
    data = _rows(prompt="prompt", completion="chosen")
    return SFTTrainer(args=SFTConfig(**common, max_length=64), train_dataset=data, **rest)


def _preferred(common: dict[str, Any], **rest: Any) -> Any:
    data = _rows(prompt="prompt", chosen="chosen", rejected="rejected")
    return DPOTrainer(args=DPOConfig(**common, max_length=64), train_dataset=data, **rest)


def _rewarded(common: dict[str, Any], **rest: Any) -> Any:
    settings = GRPOConfig(**common, num_generations=4, max_completion_length=8)
    data = _rows(prompt="prompt")
    return GRPOTrainer(reward_funcs=_length, args=settings, train_dataset=data, **rest)


TRAINERS: Mapping[str, Callable[..., Any]] = {
    "supervised fine-tuning": _supervised,
    "DPO": _preferred,
    "GRPO": _rewarded,
}


def trained(make: Callable[..., Any], base: Path, folder: Path, *callbacks: Any) -> Any:
    """A trainer that is done."""
    set_seed(0)
    tokenizer = AutoTokenizer.from_pretrained(base)
    tokenizer.pad_token = tokenizer.eos_token
    common = {
        "output_dir": str(folder / "runs"),
        "max_steps": 4,
        "logging_steps": 2,
        "per_device_train_batch_size": 4,
        "learning_rate": 1e-2,
        "save_strategy": "no",
        "report_to": "none",
        "use_cpu": True,
        "bf16": False,
        "disable_tqdm": True,
    }
    adapter = LoraConfig(
        r=4, lora_dropout=0.1, target_modules=["q_proj", "v_proj"], task_type="CAUSAL_LM"
    )
    trainer = make(
        common,
        model=str(base),
        peft_config=adapter,
        processing_class=tokenizer,
        callbacks=list(callbacks),
    )
    trainer.train()
    return trainer


@pytest.mark.parametrize("name", TRAINERS)
def test_training_is_equal_bit_for_bit(
    name: str, base: Path, configuration: Path, tmp_path: Path
) -> None:
    """Weights, and what the trainer logs by itself, are as if nobody had looked."""
    callback = DiversityCallback(configuration, domains=["story"], every=2)
    looked = trained(TRAINERS[name], base, tmp_path, callback)
    alone = trained(TRAINERS[name], base, tmp_path)
    others = dict(alone.model.named_parameters())
    assert all(torch.equal(one, others[name]) for name, one in looked.model.named_parameters())
    assert _logged(looked) == _logged(alone)
    assert {verdict.checkpoint for verdict in callback.verdicts} == {"step-2", "step-4"}


def _logged(trainer: Any) -> list[dict[str, float]]:
    """What it logged of itself, without clocks."""
    clocks = ("runtime", "second", "time")
    return [
        {key: value for key, value in entry.items() if not any(word in key for word in clocks)}
        for entry in trainer.state.log_history
        if "diversity/share_of_time" not in entry
    ]
