"""Counter-based noise: what a sample draws depends on its key, position and token alone.

SplitMix64 (Steele, Lea and Flood 2014) as a hash of (key, position, token), in 64-bit integers that
wrap, so that every device computes the same bits.
"""

from __future__ import annotations

import torch

from pytest_diversity.sampling.seeds import sample_seed

__all__ = ["gumbel", "sample_key"]

_GAMMA = -0x61C8864680B583EB  # 0x9E3779B97F4A7C15 as a signed number, the golden ratio's fraction
_MIX1 = -0x40A7B892E31B1A47  # 0xBF58476D1CE4E5B9
_MIX2 = -0x6B2FB644ECCEEE15  # 0x94D049BB133111EB


def sample_key(seed: int, prompt: str, number: int) -> int:
    """The key of sample `number` of a prompt: a signed 64-bit number."""
    unsigned = sample_seed(seed, prompt, number)
    return unsigned - (1 << 64) if unsigned >> 63 else unsigned  # int64 is all that torch has


def gumbel(keys: torch.Tensor, position: int, tokens: torch.Tensor) -> torch.Tensor:
    """Standard Gumbel noise for each token of each row.

    Args:
        keys: int64, shape (rows, 1).
        position: Of the token that is drawn.
        tokens: int64 token ids, shape (rows, n) or (1, n).

    Returns:
        float32, shape (rows, n).
    """
    counter = _mix(keys + _signed(_GAMMA * (position + 1)))
    bits = _mix(counter + _GAMMA * (tokens + 1))
    # 23 bits and a half: never 0 or 1, and exact in float32, where a 24th bit would round up to 1.
    uniform = (((bits >> 41) & 0x7FFFFF).to(torch.float32) + 0.5) * 2.0**-23
    return -torch.log(-torch.log(uniform))


def _signed(number: int) -> int:
    """`number` as 64 bits see it."""
    return (number + (1 << 63)) % (1 << 64) - (1 << 63)


def _mix(bits: torch.Tensor) -> torch.Tensor:
    bits = (bits ^ _shift(bits, 30)) * _MIX1
    bits = (bits ^ _shift(bits, 27)) * _MIX2
    return bits ^ _shift(bits, 31)


def _shift(bits: torch.Tensor, count: int) -> torch.Tensor:
    """A shift that fills with zeros; torch's keeps the sign."""
    return (bits >> count) & ((1 << (64 - count)) - 1)
