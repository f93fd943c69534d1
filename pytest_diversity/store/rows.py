"""Rows of a store and their digests: one that is not what was written is a missing one.

A digest is the CRC-32 of a row's key and of all its columns with their lengths: any flipped bit
changes it, and a page of noise keeps it once in four billion times. A stronger one would halve the
speed of reading, and nobody forges their own samples.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple
from zlib import crc32

__all__ = ["Drawn", "digest", "digest_of", "is_whole", "read_samples", "sample_row", "seed_of"]

_HEAD = struct.Struct("<qqqd").pack


class Drawn(NamedTuple):
    """A sample as the store keeps it: without its prompt, which is part of its key."""

    number: int
    text: str
    finish_reason: str | None
    tokens: int | None
    logprob: float | None


def digest(*parts: bytes | None) -> int:
    """The digest of texts and bytes; None is another one than nothing."""
    found = 0
    for part in parts:
        found = crc32(part or b"", crc32(b"%d " % (-1 if part is None else len(part)), found))
    return found


def is_whole(found: int | None, *parts: object) -> bool:
    """Whether `found` is the digest of `parts`, whatever the damage has made of them."""
    try:
        return found == digest(*parts)  # type: ignore[arg-type] # that is what is found out
    except TypeError:
        return False


def seed_of(key: str) -> int:
    """What the digests of the samples under `key` begin with."""
    return digest(key.encode("utf-8", "replace"))


def sample_row(seed: int, sample: Drawn) -> tuple[Any, ...]:
    """The columns of a sample, its digest last.

    SQLite keeps UTF-8: a text with lone surrogates goes in as bytes. It keeps no NaN.
    """
    number, text, reason, tokens, logprob = sample
    if logprob is not None:
        logprob = None if math.isnan(logprob) else logprob + 0.0  # SQLite knows no -0.0, either
    text_kept, text_bytes = _column(text)
    ended = None if reason is None else reason.encode("utf-8", "replace")
    reason = None if ended is None else ended.decode()
    checked = _digest(seed, number, text_bytes, ended, tokens, logprob)
    return number, text_kept, reason, tokens, logprob, checked


def read_samples(
    seed: int | None, rows: Iterable[tuple[Any, ...]]
) -> tuple[dict[int, Drawn], list[object]]:
    """The samples of rows, by number, and the numbers of those that are damaged.

    Written for speed, with `_digest` in place: it is most of what a run costs whose samples are all
    in the store.

    Args:
        seed: Of their key; None where the rows are too old to have digests.
        rows: What `sample_row` made, texts as bytes.
    """
    whole: dict[int, Drawn] = {}
    damaged: list[object] = []
    pack, new = _HEAD, tuple.__new__  # the latter takes a third of what the class takes itself
    for number, text, reason, tokens, logprob, checked in rows:
        try:
            if seed is not None:
                try:
                    head = pack(number, len(text), tokens, logprob)
                except struct.error:
                    head = _odd_head(number, len(text), tokens, logprob)
                if checked != crc32(head + (reason or b"") + text, seed):
                    damaged.append(number)
                    continue
            try:
                said = text.decode()
            except UnicodeDecodeError:  # with lone surrogates, for which it is twice as slow
                said = text.decode("utf-8", "surrogatepass")
            ended = None if reason is None else reason.decode()
            whole[number] = new(Drawn, (number, said, ended, tokens, logprob))
        except (AttributeError, TypeError, ValueError):  # what is read there is of no such kind
            damaged.append(number)
    return whole, damaged


def digest_of(seed: int, columns: Sequence[Any]) -> int | None:
    """The digest of a sample's columns as they were found; None if they make no sense."""
    try:
        return _digest(seed, *columns)
    except TypeError:
        return None


def _digest(  # noqa: PLR0917 - the columns
    seed: int,
    number: int,
    text: bytes,
    reason: bytes | None,
    tokens: int | None,
    logprob: float | None,
) -> int:
    try:
        head = _HEAD(number, len(text), tokens, logprob)
    except struct.error:
        head = _odd_head(number, len(text), tokens, logprob)
    return crc32(head + (reason or b"") + text, seed)


def _odd_head(number: int, size: int, tokens: int | None, logprob: float | None) -> bytes:
    """The beginning of a digest where something of a sample is not known."""
    return repr((number, size, tokens, logprob)).encode()


def _column(text: str) -> tuple[str | bytes, bytes]:
    """A text as it is kept, and its bytes."""
    try:
        return text, text.encode()
    except UnicodeEncodeError:
        encoded = text.encode("utf-8", "surrogatepass")
        return encoded, encoded
