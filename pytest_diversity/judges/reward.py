"""A reward model as a judge: `reward:SOURCE`, any sequence classifier with one output.

As RewardBench (2403.13787) asks them: prompt and answer as a conversation in the model's own chat
template, one score for the whole; where it has none, as a pair of texts. Only differences of such
scores mean something, so a threshold is the domain's to choose, or a percentile of a reference.
"""

from __future__ import annotations

import gc
import json
import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pytest_diversity.checkpoints.fingerprint import fingerprint
from pytest_diversity.checkpoints.sources import locate
from pytest_diversity.config.quality import Quality
from pytest_diversity.errors import CheckpointError
from pytest_diversity.judges.protocol import Judge, Pair
from pytest_diversity.judges.tools import Tools
from pytest_diversity.sampling.device import Environment, environment

__all__ = ["find"]

_VERSION = "1"
_HEAD = "ForSequenceClassification"
_ROWS = 16  # conversations in one pass
_FIX = "name a sequence classifier with one label, saved as safetensors"


def find(quality: Quality, tools: Tools) -> Judge:
    """The judge, whose model is looked at, and loaded when there is something to score.

    Raises:
        CheckpointError: It is not there, or its configuration says that it is no reward model.
    """
    source = quality.judge.partition(":")[2]
    location = locate(source, tools.root, "reward model")
    config = _config(location.path)
    facts = tools.facts()
    where = environment(tools.device, "auto", facts)
    digest = fingerprint(location, facts)[:12]
    longest = config.get("max_position_embeddings")
    return Judge(
        quality.judge,
        f"{_VERSION} ({digest}, {where.precision})",
        _Reward(location.path, where, longest),
        low=-math.inf,
        high=math.inf,
        by_length=True,
        note=f"of a conversation it reads the first {longest} tokens" if longest else "",
    )


def _config(path: Path) -> dict[str, Any]:
    """What the model says that it is."""
    what = f"reward model {path}"
    try:
        config = json.loads((path / "config.json").read_text("utf-8"))
        heads, labels = config.get("architectures") or [], config.get("id2label")
    except (OSError, ValueError, AttributeError):
        raise CheckpointError(f"{what} has no config.json that can be read", fix=_FIX) from None
    if not any(str(head).endswith(_HEAD) for head in heads):
        found = f"it is a {heads[0]}" if heads else "its config.json names no architecture"
        raise CheckpointError(f"{what} has no head that scores: {found}", fix=_FIX)
    count = len(labels) if isinstance(labels, dict) else config.get("num_labels", 2)
    if count != 1:
        raise CheckpointError(
            f"{what} has {count} labels, and a reward model one", fix="name another, or a callable"
        )
    return dict(config)


@dataclass(frozen=True, slots=True)
class _Reward:
    """In memory only while it scores, so that no model under test finds it there.

    Attributes:
        path: Its directory.
        environment: Device and number format.
        longest: How many tokens it reads; None where it does not say.
    """

    path: Path
    environment: Environment
    longest: int | None

    def __call__(self, pairs: Sequence[Pair]) -> list[float]:
        with self._loaded() as (tokenizer, model):
            encoded = [self._encoded(tokenizer, prompt, text) for prompt, text in pairs]
            order = sorted(range(len(pairs)), key=lambda row: len(encoded[row]))
            scores = [0.0] * len(pairs)
            for start in range(0, len(order), _ROWS):
                rows = order[start : start + _ROWS]
                found = _scores(tokenizer, model, [encoded[row] for row in rows])
                for row, score in zip(rows, found, strict=True):
                    scores[row] = score
        return scores

    def _encoded(self, tokenizer: Any, prompt: str, text: str) -> list[int]:
        prompt, text = (one.encode("utf-8", "replace").decode() for one in (prompt, text))
        if tokenizer.chat_template is None:
            ids: list[int] = tokenizer(prompt, text)["input_ids"]
        else:
            turns = [{"role": "user", "content": prompt}, {"role": "assistant", "content": text}]
            whole = tokenizer.apply_chat_template(turns, tokenize=False)
            ids = tokenizer(whole, add_special_tokens=False)["input_ids"]
        return ids[: self.longest]

    @contextmanager
    def _loaded(self) -> Iterator[tuple[Any, Any]]:
        import torch  # noqa: PLC0415 - heavy
        from transformers import AutoModelForSequenceClassification  # noqa: PLC0415 - heavy

        from pytest_diversity.sampling.engines.transformers import loading, whole  # noqa: PLC0415

        what = f"reward model {self.path}"
        with loading.explained(what), loading.without_warnings():
            loading.silence()
            whole.demand_weights(self.path)
            tokenizer = loading.load_tokenizer(self.path)
            kind: Any = AutoModelForSequenceClassification
            model, found = kind.from_pretrained(
                self.path,
                dtype=getattr(torch, self.environment.dtype),
                use_safetensors=True,
                output_loading_info=True,
                ignore_mismatched_sizes=True,  # which are said, and refused with the missing ones
            )
            whole.demand_all(self.path, model, found)
            model = model.to(self.environment.device).eval()
        model.config.pad_token_id = tokenizer.pad_token_id
        try:
            yield tokenizer, model
        finally:
            del model
            gc.collect()
            if self.environment.device.startswith("cuda"):
                torch.cuda.empty_cache()


def _scores(tokenizer: Any, model: Any, rows: Sequence[Sequence[int]]) -> list[float]:
    """The reward of each row of tokens."""
    import torch  # noqa: PLC0415 - heavy

    longest = max(map(len, rows))
    pad = tokenizer.pad_token_id
    ids = torch.tensor([[*row, *[pad] * (longest - len(row))] for row in rows])
    mask = torch.tensor([[1] * len(row) + [0] * (longest - len(row)) for row in rows])
    with torch.inference_mode():
        logits = model(input_ids=ids.to(model.device), attention_mask=mask.to(model.device)).logits
    found: list[float] = logits.float()[:, 0].tolist()
    return found
