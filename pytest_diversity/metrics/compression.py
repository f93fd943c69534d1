"""How well texts compress together."""

from __future__ import annotations

import zlib
from collections.abc import Sequence

from pytest_diversity.metrics.registry import metric

__all__ = ["COMPRESSOR", "compressed_share", "compression_ratio"]

_LEVEL = 9
COMPRESSOR = f"zlib {zlib.ZLIB_RUNTIME_VERSION} level {_LEVEL}"  # part of the value's identity


@metric(family="lexical", better="down")
def compression_ratio(texts: Sequence[str]) -> float | None:
    """Bytes over compressed bytes of the joined texts; above 0, lower is more diverse.

    The texts are joined by newlines, encoded as UTF-8 and compressed once by zlib at level 9. The
    number depends on the compressor's version (`COMPRESSOR`), which belongs to the fingerprint, and
    grows with length and K; zlib sees no repetition further apart than 32 KiB. None if there is no
    text but the empty one.

    Args:
        texts: K texts, as strings.

    Source: Shaib et al. 2403.00553 (which compresses twice in `diversity` 0.2.2).
    """
    return compressed_share(texts) if any(texts) else None


def compressed_share(texts: Sequence[str]) -> float:
    """The ratio of texts of which at least one is not empty."""
    data = "\n".join(texts).encode("utf-8", "surrogatepass")
    return len(data) / len(zlib.compress(data, _LEVEL))
