"""Decoding K samples of many prompts together on transformers' own forward and cache classes.

Each prompt is read once and its cache shared among its samples; rows leave the batch when they are
finished. Keys and values lie in buffers with room, where transformers' dynamic cache copies
everything it has at each step.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch.nn.functional import pad

from pytest_diversity.config.values import Generation
from pytest_diversity.sampling.engines.transformers.attention import beginning
from pytest_diversity.sampling.engines.transformers.choose import choose
from pytest_diversity.sampling.engines.transformers.internals import (
    DynamicCache,
    DynamicLayer,
    cache_argument,
    empty_cache,
)

__all__ = ["Finished", "Row", "decode"]

_ROOM = 64  # tokens: making room copies the whole cache, and unused room is multiplied with
_CROWD = 7 / 8  # rows are cut out when an eighth has ended: cutting copies the whole cache


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
        choice = choose(batch.logits(), batch.keys, position, generation)
        alive = len(batch.alive)
        last = position + 1 == generation.max_tokens
        for index, row in batch.take(choice.tokens.tolist(), choice.logprobs.tolist()):
            reason = "stop" if ends(row.tokens) else "length"
            if reason == "stop" or last:
                batch.finish(index)
                yield Finished(index, row, reason)
        on_step(alive)
        if last or not batch.alive:
            return
        batch.step(choice.tokens)


class _Batch:
    """Rows in flight: their places in the tensors, the model's cache and its last logits."""

    def __init__(self, model: Any, rows: Sequence[Row], generation: Generation) -> None:
        """Read each distinct prompt once and share what was read among its rows."""
        self._model = model
        self._penalty = generation.repetition_penalty
        self._rows = rows
        self._places = list(range(len(rows)))  # which row lies at each place of the tensors
        self.alive = set(self._places)
        prompts = list(dict.fromkeys(row.prompt for row in rows))
        ids, mask = _padded(prompts, model.device)
        share = torch.tensor([prompts.index(row.prompt) for row in rows], device=model.device)
        self._cache = empty_cache(model)
        self._cached = {cache_argument(model): self._cache, "use_cache": True}
        out = model(
            input_ids=ids,
            attention_mask=mask,
            position_ids=_positions(mask),
            logits_to_keep=1,
            **self._cached,
        )
        _share(self._cache, share)
        self._logits: torch.Tensor = out.logits[:, -1][share]
        self._mask = mask[share]
        self._is_padded = not bool(mask.all())
        self._seen: torch.Tensor | None = None
        if self._penalty != 1:
            self._seen = _seen(ids[share], self._logits.shape[-1])
        keys = [[row.key] for row in rows]
        self.keys = torch.tensor(keys, dtype=torch.int64, device=model.device)

    def logits(self) -> torch.Tensor:
        """What the model says next, with the repetition penalty of Keskar et al. 1909.05858."""
        if self._seen is None:
            return self._logits
        scores: torch.Tensor = self._logits.float()
        less = torch.where(scores < 0, scores * self._penalty, scores / self._penalty)
        return torch.where(self._seen, less, scores)

    def take(self, tokens: list[int], logprobs: list[float]) -> Iterator[tuple[int, Row]]:
        """Give each unfinished row its token; the rows with their indices."""
        for index, token, logprob in zip(self._places, tokens, logprobs, strict=True):
            if index in self.alive:
                row = self._rows[index]
                row.tokens.append(token)
                row.logprob += logprob
                yield index, row

    def finish(self, index: int) -> None:
        """A row has ended."""
        self.alive.discard(index)

    def step(self, tokens: torch.Tensor) -> None:
        """Run the model on the new tokens, without the rows that have ended."""
        if len(self.alive) <= _CROWD * len(self._places):
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
        """Cut the ended rows out of everything."""
        keep = [place for place, index in enumerate(self._places) if index in self.alive]
        self._places = [self._places[place] for place in keep]
        kept = torch.tensor(keep, device=tokens.device)
        self._cache.batch_select_indices(kept)
        self._mask, self.keys = self._mask[kept], self.keys[kept]
        if self._seen is not None:
            self._seen = self._seen[kept]
        return tokens[kept]


class _Buffered(DynamicLayer):  # type: ignore[no-untyped-call]
    """A layer's keys and values in buffers with room for tokens to come."""

    def __init__(self, layer: DynamicLayer, share: torch.Tensor) -> None:
        """Copy what `layer` holds for the prompts of `share`, and make room behind it."""
        super().__init__()  # type: ignore[no-untyped-call]
        self.is_initialized = True
        self._length = layer.get_seq_length()
        states = [part for part in (layer.keys, layer.values) if part is not None]
        self.dtype, self.device = states[0].dtype, states[0].device  # older versions ask for them
        self._buffers = [_roomy(part[share]) for part in states]
        self._view()

    def update(
        self, key_states: torch.Tensor, value_states: torch.Tensor, *_: Any, **__: Any
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Write the new states behind the ones before; all of them so far."""
        end = self._length + key_states.shape[-2]
        if end > self._buffers[0].shape[-2]:
            self._buffers = [_roomy(buffer) for buffer in self._buffers]
        for buffer, states in zip(self._buffers, (key_states, value_states), strict=True):
            buffer[:, :, self._length : end] = states
        self._length = end
        return self._view()

    def batch_select_indices(self, indices: torch.Tensor) -> None:
        """Keep the rows at `indices`."""
        self._buffers = [buffer[indices] for buffer in self._buffers]
        self._view()

    def _view(self) -> tuple[torch.Tensor, torch.Tensor]:
        keys, values = (beginning(buffer, self._length) for buffer in self._buffers)
        self.keys, self.values = keys, values
        return keys, values


def _share(cache: DynamicCache, share: torch.Tensor) -> None:
    """Spread the prompts' cache over the rows that share them."""
    layers: list[Any] = cache.layers
    for number, layer in enumerate(layers):
        if type(layer) is DynamicLayer:
            layers[number] = _Buffered(layer, share)
        else:
            layer.batch_select_indices(share)


def _roomy(states: torch.Tensor) -> torch.Tensor:
    """`states` with zeros behind them, which weigh nothing where the whole is multiplied."""
    return pad(states, (0, 0, 0, _ROOM))


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
