"""A cross-encoder that reads two answers together: `cross_encoder:SOURCE`, to tell if they agree.

Either one label, of which the sigmoid is how alike they are, as sentence-transformers trains them;
or the labels of natural language inference, of which the probability of `entailment` is taken. It
is asked in both orders, so that entailment both ways is what counts (Kuhn et al., 2302.09664).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from pytest_diversity.config.quality import Quality
from pytest_diversity.errors import CheckpointError
from pytest_diversity.judges.classifier import Classifier, readable
from pytest_diversity.judges.protocol import Judge, Texts
from pytest_diversity.judges.tools import Tools

__all__ = ["find"]

_VERSION = "1"
_ENTAILMENT = "entailment"
_FIX = "name a sequence classifier with one label, or one named entailment, saved as safetensors"


def find(quality: Quality, tools: Tools) -> Judge:
    """What tells how alike two answers are, in [0, 1]; loaded when there is something to compare.

    Raises:
        CheckpointError: It is not there, has no head, or several labels and none is entailment.
    """
    source = quality.judge.partition(":")[2]
    # Float32, in which a score does not depend on what else is in its batch.
    model = Classifier.find(source, tools, "cross-encoder", _FIX, dtype="float32")
    entailment = _entailment(model)

    def score(items: Sequence[Texts]) -> list[float]:
        logits = np.array(model(items, _encoded))
        if entailment is None:
            alike = 1 / (1 + np.exp(-np.clip(logits[:, 0], -50, 50)))
        else:
            odds = np.exp(logits - logits.max(axis=1, keepdims=True))
            alike = odds[:, entailment] / odds.sum(axis=1)
        return [float(one) for one in alike]

    return Judge(quality.judge, f"{_VERSION} ({model.digest})", score, threshold=0.5)


def _entailment(model: Classifier) -> int | None:
    """Which label says that one text follows from the other; None where there is but one."""
    if len(model.labels) == 1:
        return None
    named = [label.casefold() for label in model.labels]
    if _ENTAILMENT not in named:
        names = ", ".join(model.labels)
        raise CheckpointError(
            f"{model.what} has {len(named)} labels ({names:.60}), none of them {_ENTAILMENT}",
            fix=_FIX,
        )
    return named.index(_ENTAILMENT)


def _encoded(tokenizer: Any, item: Texts, longest: int | None) -> dict[str, list[int]]:
    """The tokens of both answers; of two that are too long the longer one is cut."""
    _, one, other = map(readable, item)
    most = min(longest or tokenizer.model_max_length, tokenizer.model_max_length)
    found = tokenizer(one, other, truncation="longest_first", max_length=most)
    return {name: found[name] for name in found}
