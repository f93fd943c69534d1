"""The seed of one sample: from it come all of its random numbers."""

from __future__ import annotations

import hashlib

__all__ = ["sample_seed"]


def sample_seed(seed: int, prompt: str, number: int, bits: int = 64) -> int:
    """The seed of sample `number` of a prompt, from 0 to 2**bits - 1.

    Spread by a hash: some engines draw choice i with the seed + i, so that samples with
    neighbouring seeds would share their random numbers.

    Args:
        seed: Of the run.
        prompt: The prompt's id.
        number: Sample i of K is number i.
        bits: At most 64; as many as the engine can read.
    """
    text = f"{seed}\0{number}\0{prompt}".encode("utf-8", "surrogatepass")
    return int.from_bytes(hashlib.sha256(text).digest()[:8], "big") >> (64 - bits)
