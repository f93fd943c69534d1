"""A reward model as a judge: `reward:SOURCE`, any sequence classifier with one output.

As RewardBench (2403.13787) asks them: prompt and answer as a conversation in the model's own chat
template, one score for the whole; where it has none, as a pair of texts. Only differences of such
scores mean something, so a threshold is the domain's to choose, or a percentile of a reference.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from pytest_diversity.config.quality import Quality
from pytest_diversity.errors import CheckpointError
from pytest_diversity.judges.classifier import Classifier, readable
from pytest_diversity.judges.protocol import Judge, Pair, Texts
from pytest_diversity.judges.tools import Tools

__all__ = ["find"]

_VERSION = "1"
_FIX = "name a sequence classifier with one label, saved as safetensors"


def find(quality: Quality, tools: Tools) -> Judge:
    """The judge, whose model is looked at, and loaded when there is something to score.

    Raises:
        CheckpointError: It is not there, or its configuration says that it is no reward model.
    """
    model = Classifier.find(quality.judge.partition(":")[2], tools, "reward model", _FIX)
    count = len(model.labels)
    if count != 1:
        raise CheckpointError(
            f"{model.what} has {count} labels, and a reward model one",
            fix="name another, or a callable",
        )

    def score(pairs: Sequence[Pair]) -> list[float]:
        return [found for (found,) in model(pairs, _encoded)]

    longest = model.longest
    return Judge(
        quality.judge,
        f"{_VERSION} ({model.digest})",
        score,
        low=-math.inf,
        high=math.inf,
        by_length=True,
        note=f"of a conversation it reads the first {longest} tokens" if longest else "",
    )


def _encoded(tokenizer: Any, pair: Texts, longest: int | None) -> dict[str, list[int]]:
    """The tokens of a conversation."""
    prompt, text = map(readable, pair)
    if tokenizer.chat_template is None:
        ids = tokenizer(prompt, text)["input_ids"]
    else:
        turns = [{"role": "user", "content": prompt}, {"role": "assistant", "content": text}]
        whole = tokenizer.apply_chat_template(turns, tokenize=False)
        ids = tokenizer(whole, add_special_tokens=False)["input_ids"]
    ids = ids[:longest]
    return {"input_ids": ids, "attention_mask": [1] * len(ids)}
