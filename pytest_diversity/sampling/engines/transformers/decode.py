"""Decoding K samples of many prompts together on transformers' own forward and cache classes.

Each prompt is read once and its cache shared among its samples; rows leave the batch when they are
finished, and the last of the batch take their places.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import torch

from pytest_diversity.config.values import Generation
from pytest_diversity.sampling.engines.transformers.buffers import spread
from pytest_diversity.sampling.engines.transformers.choose import choose
from pytest_diversity.sampling.engines.transformers.internals import (
    DynamicCache,
    cache_argument,
    empty_cache,
)

__all__ = ["Finished", "Row", "decode"]


@dataclass(slots=True)
class Row:
    """A sample that is being drawn.

    Attributes:
        prompt: The prompt's token ids.
        key: What its noise depends on.
        tokens: The tokens so far.
        logprob: The sum of the model's log-probabilities of these tokens.
    """

    prompt: tuple[int, ...]
    key: int
    tokens: list[int] = field(default_factory=list)
    logprob: float = 0.0


@dataclass(frozen=True, slots=True)
class Finished:
    """A row that ended.

    Attributes:
        index: Its place in the batch as it was given.
        row: The row.
        reason: `stop` or `length`.
    """

    index: int
    row: Row
    reason: str


@torch.inference_mode()
def decode(
    model: Any,
    rows: Sequence[Row],
    generation: Generation,
    *,
    ends: Callable[[Sequence[int]], bool],
    on_step: Callable[[int], None],
) -> Iterator[Finished]:
    """Draw all rows together; each is yielded as soon as it is finished.

    Args:
        model: A causal language model that `internals.is_supported`.
        rows: What to draw, with nothing drawn yet.
        generation: How to draw.
        ends: Whether a row ends with the last of these tokens; asked after each one.
        on_step: Told how many rows made a step.
    """
    batch = _Batch(model, rows, generation)
    for position in range(generation.max_tokens):
        last = position + 1 == generation.max_tokens
        step = batch.next(position)
        for index, token, logprob in step:
            row = rows[index]
            row.tokens.append(token)
            row.logprob += logprob
            reason = "stop" if ends(row.tokens) else "length"
            if reason == "stop" or last:
                batch.alive.discard(index)
                yield Finished(index, row, reason)
        on_step(len(step))
        if not batch.alive:
            return


class _Read(NamedTuple):
    """The distinct prompts as the model has read them.

    Attributes:
        ids: Their tokens, shape (prompts, longest), padded on the left.
        mask: 1 for a token, 0 for padding, shape (prompts, longest).
        logits: Of what comes next, shape (prompts, vocabulary).
        cache: Their keys and values.
        of_row: Which of the prompts each row has, shape (rows,).
    """

    ids: torch.Tensor
    mask: torch.Tensor
    logits: torch.Tensor
    cache: DynamicCache
    of_row: torch.Tensor


def _read(model: Any, rows: Sequence[Row]) -> _Read:
    """Read each distinct prompt once."""
    prompts = list(dict.fromkeys(row.prompt for row in rows))
    ids, mask = _padded(prompts, model.device)
    cache = empty_cache(model)
    out = model(
        input_ids=ids,
        attention_mask=mask,
        position_ids=_positions(mask),
        logits_to_keep=1,
        **_cached(model, cache),
    )
    places = {prompt: place for place, prompt in enumerate(prompts)}
    of_row = torch.tensor([places[row.prompt] for row in rows], device=model.device)
    return _Read(ids, mask, out.logits[:, -1], cache, of_row)


class _Batch:
    """Rows in flight: their places in the tensors, the model's cache and its last logits."""

    def __init__(self, model: Any, rows: Sequence[Row], generation: Generation) -> None:
        """Read each distinct prompt once and share what was read among its rows."""
        read = _read(model, rows)
        share = read.of_row
        self._model = model
        self._generation = generation
        self._places = list(range(len(rows)))  # which row lies at each place of the tensors
        self.alive = set(self._places)
        self._cached = _cached(model, spread(read.cache, share))
        self._logits = read.logits[share]
        self._mask = read.mask[share]
        self._is_padded = not bool(self._mask.all())
        self._tokens: torch.Tensor | None = None
        self._seen: torch.Tensor | None = None
        if generation.repetition_penalty != 1:
            self._seen = _seen(read.ids[share], self._logits.shape[-1])
        keys = [[row.key] for row in rows]
        self._keys = torch.tensor(keys, dtype=torch.int64, device=model.device)

    def next(self, position: int) -> list[tuple[int, int, float]]:
        """The next token of each row that has not ended: its index, the token, its logprob."""
        if self._tokens is not None:
            self._step(self._tokens)
        choice = choose(self._scores(), self._keys, position, self._generation)
        self._tokens = choice.tokens
        drawn = choice.tokens.tolist(), choice.logprobs.tolist()
        return list(zip(self._places, *drawn, strict=True))

    def _scores(self) -> torch.Tensor:
        """What the model says next, with the repetition penalty of Keskar et al. 1909.05858."""
        if self._seen is None:
            return self._logits
        penalty = self._generation.repetition_penalty
        scores = self._logits.float()
        less = torch.where(scores < 0, scores * penalty, scores / penalty)
        return torch.where(self._seen, less, scores)

    def _step(self, tokens: torch.Tensor) -> None:
        """Run the model on the new tokens, without the rows that have ended."""
        if len(self.alive) < len(self._places):
            tokens = self._compact(tokens)
        if self._seen is not None:
            self._seen.scatter_(1, tokens[:, None], True)  # noqa: FBT003 - the value to write
        self._mask = torch.cat([self._mask, self._mask.new_ones(len(tokens), 1)], dim=1)
        out = self._model(
            input_ids=tokens[:, None],
            attention_mask=self._mask if self._is_padded else None,
            position_ids=self._mask.sum(dim=1, keepdim=True) - 1,
            **self._cached,
        )
        self._logits = out.logits[:, -1]

    def _compact(self, tokens: torch.Tensor) -> torch.Tensor:
        """Cut the ended rows out of everything; the last rows take their places."""
        keep = _closed_up([index in self.alive for index in self._places])
        self._places = [self._places[place] for place in keep]
        kept = torch.tensor(keep, device=tokens.device)
        cache: DynamicCache = self._cached[cache_argument(self._model)]
        cache.batch_select_indices(kept)
        self._mask, self._keys = self._mask[kept], self._keys[kept]
        if self._seen is not None:
            self._seen = self._seen[kept]
        return tokens[kept]


def _closed_up(alive: Sequence[bool]) -> list[int]:
    """The places of the living, the last of them in the places of the dead before them."""
    count = sum(alive)
    last = iter([place for place in range(count, len(alive)) if alive[place]])
    return [place if alive[place] else next(last) for place in range(count)]


def _cached(model: Any, cache: DynamicCache) -> dict[str, Any]:
    """How a model is told its cache."""
    return {cache_argument(model): cache, "use_cache": True}


def _padded(
    prompts: Sequence[Sequence[int]], device: torch.device
) -> tuple[torch.Tensor, torch.Tensor]:
    """Token ids and mask, shape (prompts, longest), padded on the left.

    The padding is the prompt's own first token, which adds nothing to what a row has had.
    """
    longest = max(map(len, prompts))
    ids = [[prompt[0]] * (longest - len(prompt)) + list(prompt) for prompt in prompts]
    mask = [[0] * (longest - len(prompt)) + [1] * len(prompt) for prompt in prompts]
    return torch.tensor(ids, device=device), torch.tensor(mask, device=device)


def _positions(mask: torch.Tensor) -> torch.Tensor:
    return (mask.cumsum(dim=1) - 1).clamp(min=0)


def _seen(ids: torch.Tensor, vocabulary: int) -> torch.Tensor:
    """Which tokens each row has had."""
    seen = torch.zeros(len(ids), vocabulary, dtype=torch.bool, device=ids.device)
    return seen.scatter_(1, ids, True)  # noqa: FBT003 - the value to write
