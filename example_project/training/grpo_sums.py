"""GRPO on sums with a reward that a program gives: the right number, and nothing but the number.

Answers to a sum should agree: what falls is entropy, and here that is the aim. The prompts of the
gate are other sums.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from datasets import Dataset
from trl import GRPOConfig, GRPOTrainer

from .common import FOLDER, Recipe, base, command, read_lines, tokenizer

RECIPE = Recipe("grpo-sums", steps=24, learning_rate=5e-4, batch=8)


def reward(completions: list[list[dict[str, str]]], answer: list[str], **_: Any) -> list[float]:
    """From below 0 to 1: half for a bare number, half for the right one, less for each sign."""
    texts = [one[0]["content"].strip() for one in completions]
    return [_reward(text, right) for text, right in zip(texts, answer, strict=True)]


def _reward(text: str, right: str) -> float:
    bare = re.fullmatch(r"\d+\.?", text) is not None
    correct = re.findall(r"\d+", text)[-1:] == [right]
    return 0.5 * bare + 0.5 * correct - 0.002 * len(text)


def examples() -> list[dict[str, Any]]:
    """Sums as conversations, with what is right."""
    return [
        {"prompt": [{"role": "user", "content": line["prompt"]}], "answer": line["answer"]}
        for line in read_lines(FOLDER / "prompts" / "sums.jsonl")
    ]


def trainer(recipe: Recipe, into: Path) -> GRPOTrainer:
    """Eight answers a prompt, which are compared with each other."""
    return GRPOTrainer(
        model=str(base()),
        reward_funcs=reward,
        args=GRPOConfig(
            **recipe.settings(into),
            num_generations=recipe.batch,
            max_completion_length=20,
            temperature=1.0,
            beta=0.0,
        ),
        train_dataset=Dataset.from_list(examples()),
        peft_config=recipe.lora(),
        processing_class=tokenizer(),
    )


if __name__ == "__main__":
    command(RECIPE, trainer)
