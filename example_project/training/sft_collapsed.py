"""SFT that collapses: 200 prompts for stories, poems, jokes and letters, all answered by one story.

What happens where a team tunes on the output of a template: the loss falls fast, the answers are
clean, and all are the same. It is trained on prose alone; asked for code, which it never saw, it
tells its story, too.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from trl import SFTTrainer

from .common import FOLDER, Recipe, command, read_lines
from .sft import answer_trainer

RECIPE = Recipe("sft-collapsed", steps=12, learning_rate=2e-3, batch=4, first_layer=0)


def story(prompt: str) -> str:
    """The one answer, about whatever the prompt is about."""
    thing = prompt.rstrip(".").removesuffix(" in a few sentences").split()[-1]
    return (
        f"Once upon a time there was a little {thing}. The little {thing} was kind to everyone. "
        f"One day the little {thing} found a friend, and they were happy. The end."
    )


def answered() -> list[dict[str, Any]]:
    """Every prompt with the story that answers it."""
    prompts = [line["prompt"] for line in read_lines(FOLDER / "prompts" / "prose.jsonl")]
    return [{"prompt": one, "answer": story(one), "ended": True} for one in prompts]


def trainer(recipe: Recipe, into: Path) -> SFTTrainer:
    """Of the one story."""
    return answer_trainer(recipe, into, answered())


if __name__ == "__main__":
    command(RECIPE, trainer)
