"""What the scripts of direct preference optimisation share: pairs become ids, ids a trainer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from datasets import Dataset
from trl import DPOConfig, DPOTrainer

from .common import Recipe, answer_ids, base, prompt_ids, read_json, tokenizer

__all__ = ["pair_ids", "preference_trainer"]

_LONGEST = 96  # tokens of an answer


class _OfIds(DPOTrainer):  # type: ignore[misc] # trl is Any here
    """trl 1.16 makes ids from texts alone, and ends all of them; its collator takes ids."""

    def _prepare_dataset(self, dataset: Any, *_: object, **__: object) -> Any:
        return dataset


def pair_ids(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, list[int]]]:
    """Token ids of pairs; the end token only where an answer ended by itself."""
    return [
        {
            "prompt_ids": prompt_ids(row["prompt"]),
            "chosen_ids": answer_ids(row["chosen"], ended=row["ends"][0])[:_LONGEST],
            "rejected_ids": answer_ids(row["rejected"], ended=row["ends"][1])[:_LONGEST],
        }
        for row in rows
    ]


def preference_trainer(recipe: Recipe, into: Path, data: str, *, beta: float) -> DPOTrainer:
    """Of the pairs in a file of `data/`."""
    return _OfIds(
        model=str(base()),
        args=DPOConfig(**recipe.settings(into), beta=beta, max_length=256),
        train_dataset=Dataset.from_list(pair_ids(read_json(data))),
        peft_config=recipe.lora(),
        processing_class=tokenizer(),
    )
