"""SFT with care: the model's own answers in prose and code, a small learning rate, few steps.

What it is tuned on is what it says already, so nothing should be lost: the control.
"""

from __future__ import annotations

from pathlib import Path

from trl import SFTTrainer

from .common import Recipe, command, read_json
from .sft import answer_trainer

RECIPE = Recipe("sft-own", steps=12, learning_rate=1e-4, batch=4)


def trainer(recipe: Recipe, into: Path) -> SFTTrainer:
    """Of `data/own.json`."""
    return answer_trainer(recipe, into, read_json("own.json"))


if __name__ == "__main__":
    command(RECIPE, trainer)
