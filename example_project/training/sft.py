"""What the scripts of supervised fine-tuning share: answered prompts become ids, ids a trainer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from datasets import Dataset
from trl import SFTConfig, SFTTrainer

from .common import Recipe, answer_ids, base, prompt_ids, tokenizer

__all__ = ["answer_trainer", "masked_ids"]


def masked_ids(rows: Iterable[Mapping[str, Any]]) -> list[dict[str, list[int]]]:
    """Token ids of prompts and answers, and a mask that is 1 where the answer is."""
    pairs = [
        (prompt_ids(row["prompt"]), answer_ids(row["answer"], ended=row["ended"])) for row in rows
    ]
    return [
        {"input_ids": asked + said, "completion_mask": [0] * len(asked) + [1] * len(said)}
        for asked, said in pairs
    ]


def answer_trainer(recipe: Recipe, into: Path, rows: Iterable[Mapping[str, Any]]) -> SFTTrainer:
    """Of the answers alone: a prompt is no text to be learnt."""
    return SFTTrainer(
        model=str(base()),
        args=SFTConfig(**recipe.settings(into), max_length=256, completion_only_loss=True),
        train_dataset=Dataset.from_list(masked_ids(rows)),
        peft_config=recipe.lora(),
        processing_class=tokenizer(),
    )
