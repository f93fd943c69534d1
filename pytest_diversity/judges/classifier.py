"""A sequence classifier: what its configuration says of it, and its scores of texts in batches."""

from __future__ import annotations

import gc
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from pytest_diversity.checkpoints.contents import check_weights
from pytest_diversity.checkpoints.fingerprint import fingerprint
from pytest_diversity.checkpoints.sources import locate
from pytest_diversity.errors import CheckpointError
from pytest_diversity.judges.protocol import Texts
from pytest_diversity.judges.tools import Tools
from pytest_diversity.progress import Count, uncounted
from pytest_diversity.sampling.device import Environment, environment

__all__ = ["Classifier", "Encode", "configured", "readable"]

_HEADS = ("ForSequenceClassification",)
_ROWS = 16  # texts in one pass

# Of a tokenizer, some texts and how many tokens the model reads: what the model is given by name.
Encode: TypeAlias = Callable[[Any, Texts, int | None], dict[str, list[int]]]


@dataclass(frozen=True, slots=True)
class Classifier:
    """In memory only while it scores, so that no model under test finds it there.

    Attributes:
        what: It, in an error.
        path: Its directory.
        digest: Of its weights and the number format that they are computed in.
        environment: Device and number format.
        labels: The names of its labels, in order.
        longest: How many tokens it reads; None where it does not say.
    """

    what: str
    path: Path
    digest: str
    environment: Environment
    labels: tuple[str, ...]
    longest: int | None
    count: Count = uncounted

    @classmethod
    def find(
        cls, source: str, tools: Tools, what: str, fix: str, dtype: str = "auto"
    ) -> Classifier:
        """Look at its configuration; load nothing.

        Args:
            source: A hub id, a directory or a package.
            tools: Where it is looked for, and what it runs on.
            what: What it is to be, as in "reward model".
            fix: How an error of its configuration is corrected.
            dtype: The number format; `auto` is the device's own.

        Raises:
            CheckpointError: It is not there, or has no head that scores.
        """
        location = locate(source, tools.root, what)
        named = f"{what} {location.path}"
        config = configured(location.path, named, _HEADS, "head that scores", fix)
        check_weights(location.path)
        facts = tools.facts()
        where = environment(tools.device, dtype, facts)
        digest = f"{fingerprint(location, facts)[:12]}, {where.precision}"
        longest = config.get("max_position_embeddings")
        return cls(named, location.path, digest, where, _labels(config), longest, tools.count)

    def __call__(self, items: Sequence[Texts], encode: Encode) -> list[list[float]]:
        """The score of each label, before any softmax, of each of many texts, in order.

        Raises:
            CheckpointError: It cannot be loaded.
        """
        scores: list[list[float]] = [[]] * len(items)
        with self._loaded() as (tokenizer, model), self.count(len(items)) as progress:
            longest = _longest(model, self.longest)
            encoded = [encode(tokenizer, item, longest) for item in items]
            order = sorted(range(len(items)), key=lambda row: len(encoded[row]["input_ids"]))
            for start in range(0, len(order), _ROWS):
                rows = order[start : start + _ROWS]
                found = _logits(tokenizer, model, [encoded[row] for row in rows])
                for row, score in zip(rows, found, strict=True):
                    scores[row] = score
                progress.advance(len(rows), 0)
        return scores

    @contextmanager
    def _loaded(self) -> Iterator[tuple[Any, Any]]:
        import torch  # noqa: PLC0415 - heavy
        from transformers import AutoModelForSequenceClassification  # noqa: PLC0415 - heavy

        from pytest_diversity.sampling.engines.transformers import loading, whole  # noqa: PLC0415

        with loading.explained(self.what), loading.without_warnings():
            loading.silence()
            whole.demand_weights(self.path)
            tokenizer = loading.load_tokenizer(self.path)
            kind: Any = AutoModelForSequenceClassification
            model, found = kind.from_pretrained(
                self.path,
                dtype=getattr(torch, self.environment.dtype),
                use_safetensors=True,
                trust_remote_code=False,
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


def readable(text: str) -> str:
    """Without lone surrogates, which no tokenizer reads."""
    return text.encode("utf-8", "replace").decode()


def configured(
    path: Path, what: str, heads: tuple[str, ...], named: str, fix: str
) -> dict[str, Any]:
    """What a model says that it is.

    Args:
        path: Its directory.
        what: It, in an error.
        heads: How the names of architectures end that have the head which is needed.
        named: That head, in an error.
        fix: How an error is corrected.

    Raises:
        CheckpointError: It says nothing that can be read, or has no such head.
    """
    try:
        config: dict[str, Any] = dict(json.loads((path / "config.json").read_text("utf-8")))
        own = config.get("architectures") or []
    except (OSError, ValueError, TypeError):
        raise CheckpointError(f"{what} has no config.json that can be read", fix=fix) from None
    if not any(str(head).endswith(heads) for head in own):
        found = f"it is a {own[0]}" if own else "its config.json names no architecture"
        raise CheckpointError(f"{what} has no {named}: {found}", fix=fix)
    return config


def _labels(config: dict[str, Any]) -> tuple[str, ...]:
    """The names of a model's labels, in the order of its scores."""
    named = config.get("id2label")
    if isinstance(named, dict) and all(str(key).isdecimal() for key in named):
        return tuple(str(named[key]) for key in sorted(named, key=int))
    count = config.get("num_labels", 2)
    return tuple(f"LABEL_{number}" for number in range(count if isinstance(count, int) else 0))


def _longest(model: Any, positions: int | None) -> int | None:
    """How many tokens a model reads: positions of RoBERTa's kind begin behind the padding's."""
    embeddings = getattr(model.base_model, "embeddings", None)
    padding = getattr(getattr(embeddings, "position_embeddings", None), "padding_idx", None)
    return positions if positions is None or padding is None else positions - padding - 1


def _logits(tokenizer: Any, model: Any, rows: Sequence[dict[str, list[int]]]) -> list[list[float]]:
    """The scores of each row of tokens, padded on the right."""
    import torch  # noqa: PLC0415 - heavy

    longest = max(len(row["input_ids"]) for row in rows)
    padding = {"input_ids": tokenizer.pad_token_id}
    given = {
        name: torch.tensor(
            [[*row[name], *[padding.get(name, 0)] * (longest - len(row[name]))] for row in rows],
            device=model.device,
        )
        for name in rows[0]
    }
    with torch.inference_mode():
        logits = model(**given).logits
    found: list[list[float]] = logits.float().tolist()
    return found
