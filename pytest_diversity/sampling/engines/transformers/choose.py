"""The next token of every row: filtered as in transformers, drawn with keyed Gumbel noise.

The Gumbel-max trick draws from a softmax: argmax(logit + noise). Noise over a whole vocabulary is
dear, so only the likeliest tokens get noise of their own; all others are one lumped token, which is
opened only when it wins. The distribution is exactly the same.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch

from pytest_diversity.config.values import Generation
from pytest_diversity.sampling.engines.transformers.noise import gumbel

__all__ = ["Choice", "choose"]

_TOP = 256  # tokens with noise of their own; on real models they hold nearly all of the mass
_LUMP = -1  # the token id that the rest shares
_ROWS = 32  # chosen together on a CPU: its cache holds no more rows of a vocabulary
_OPENED = 0x5DEECE66D  # another stream of noise, for the tokens of an opened lump


@dataclass(frozen=True, slots=True)
class Choice:
    """The chosen tokens.

    Attributes:
        tokens: int64, shape (rows,).
        logprobs: The model's own log-probability of each, at temperature 1 and unfiltered, float32.
    """

    tokens: torch.Tensor
    logprobs: torch.Tensor


def choose(
    logits: torch.Tensor, keys: torch.Tensor, position: int, generation: Generation
) -> Choice:
    """Choose the next token of each row.

    Args:
        logits: The model's, shape (rows, vocabulary).
        keys: int64, shape (rows, 1): what each row's noise depends on.
        position: How many tokens the rows have already.
        generation: Temperature and filters.
    """
    rows = _ROWS if logits.device.type == "cpu" else len(logits)
    chosen = [
        _choose(logits[start : start + rows], keys[start : start + rows], position, generation)
        for start in range(0, len(logits), rows)
    ]
    tokens, logprobs = zip(*chosen, strict=True)
    return Choice(torch.cat(tokens), torch.cat(logprobs))


def _choose(
    logits: torch.Tensor, keys: torch.Tensor, position: int, generation: Generation
) -> tuple[torch.Tensor, torch.Tensor]:
    logits = logits.float()
    total = logits.logsumexp(dim=-1, keepdim=True)
    if generation.temperature == 0:
        tokens = logits.argmax(dim=-1)
    elif generation.temperature == 1:
        tokens = _draw(logits, total, keys, position, generation)
    else:
        scores = logits / generation.temperature
        tokens = _draw(scores, scores.logsumexp(dim=-1, keepdim=True), keys, position, generation)
    chosen = logits.gather(1, tokens[:, None])
    return tokens, (chosen - total)[:, 0]


def _draw(
    scores: torch.Tensor,
    total: torch.Tensor,
    keys: torch.Tensor,
    position: int,
    generation: Generation,
) -> torch.Tensor:
    if generation.top_p < 1 or generation.top_k > 0 or generation.min_p > 0:
        count = generation.top_k or _TOP
        return _filtered(scores, total, keys, position, generation, count=count)
    values, ids = scores.topk(min(_TOP, scores.shape[-1]), dim=-1)
    # log(exp(total) - exp(top)): the mass that the lump stands for.
    top = values.logsumexp(dim=-1, keepdim=True)
    rest = total + torch.log1p(-torch.exp((top - total).clamp(max=0.0)))
    values = torch.cat([values, rest.nan_to_num(nan=-torch.inf)], dim=-1)
    ids = torch.cat([ids, torch.full_like(ids[:, :1], _LUMP)], dim=-1)
    tokens = _winner(values, ids, keys, position)
    return _open(tokens, scores, ids, keys, position)


def _winner(
    values: torch.Tensor, ids: torch.Tensor, keys: torch.Tensor, position: int
) -> torch.Tensor:
    best = (values + gumbel(keys, position, ids)).argmax(dim=-1, keepdim=True)
    return ids.gather(1, best)[:, 0]


def _open(
    tokens: torch.Tensor,
    scores: torch.Tensor,
    ids: torch.Tensor,
    keys: torch.Tensor,
    position: int,
) -> torch.Tensor:
    """For rows whose lump won, draw among the tokens in it, with noise of its own."""
    rows = (tokens == _LUMP).nonzero()[:, 0]
    if not len(rows):
        return tokens
    inside = scores[rows].scatter(1, ids[rows, :-1], -torch.inf)
    vocabulary = torch.arange(scores.shape[-1], device=scores.device)[None]
    noise = gumbel(keys[rows] ^ _OPENED, position, vocabulary)
    return tokens.index_copy(0, rows, (inside + noise).argmax(dim=-1))


def _filtered(
    scores: torch.Tensor,
    total: torch.Tensor,
    keys: torch.Tensor,
    position: int,
    generation: Generation,
    *,
    count: int,
) -> torch.Tensor:
    """A token of each row from the `count` likeliest, without those that the filters leave out.

    Sorting a vocabulary is what makes filters slow: rows whose filters reach beyond the likeliest
    tokens, and no others, are drawn again from more of them.
    """
    count = min(count, scores.shape[-1])
    values, ids = scores.topk(count, dim=-1)
    limited = generation.top_k > 0 or count == scores.shape[-1]
    kept = values.logsumexp(dim=-1, keepdim=True) if limited else total
    probabilities = torch.exp(values - kept)
    values = values.masked_fill(_left_out(probabilities, generation), -torch.inf)
    tokens = _winner(values, ids, keys, position)
    short = torch.zeros_like(tokens).bool() if limited else ~_reached(probabilities, generation)
    rows = short.nonzero()[:, 0]
    if not len(rows):
        return tokens
    more = _filtered(scores[rows], total[rows], keys[rows], position, generation, count=4 * count)
    return tokens.index_copy(0, rows, more)


def _reached(probabilities: torch.Tensor, generation: Generation) -> torch.Tensor:
    """Whether a row's filters end within these tokens, shape (rows,)."""
    mass = probabilities.sum(dim=-1) >= generation.top_p
    weak = probabilities[:, -1] < generation.min_p * probabilities[:, 0]
    return weak | mass if generation.top_p < 1 else weak


def _left_out(probabilities: torch.Tensor, generation: Generation) -> torch.Tensor:
    """Which tokens, sorted from the likeliest, the filters leave out; never the likeliest."""
    before = probabilities.cumsum(dim=-1) - probabilities
    out = before >= generation.top_p if generation.top_p < 1 else torch.zeros_like(before).bool()
    # In transformers' order min_p sees what top_p has left, but a ratio does not change with it.
    out |= probabilities < generation.min_p * probabilities[:, :1]
    out[:, 0] = False
    return out
