"""Whether a model can read what it is asked, found out with its tokenizer alone."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from transformers import AutoConfig

from pytest_diversity.sampling.chat import context_of, render_all
from pytest_diversity.sampling.engines.transformers.loading import (
    explained,
    load_tokenizer,
    silence,
    without_warnings,
)
from pytest_diversity.sampling.engines.transformers.voice import Voice
from pytest_diversity.sampling.protocol import Request

__all__ = ["check_readable"]


def check_readable(path: Path, adapter: Path | None, requests: Sequence[Request]) -> None:
    """Write requests as the model in `path` reads them, with the tokenizer beside its adapter.

    Raises:
        CheckpointError: Its tokenizer cannot be loaded.
        ConfigError: Its chat template refuses one, or a prompt leaves no room for its answer.
    """
    silence()
    with without_warnings(), explained(f"checkpoint {path}"):
        voice = Voice(load_tokenizer(path), frozenset())
        if adapter is not None:
            voice, _ = voice.beside(adapter)
        config = AutoConfig.from_pretrained(path)
        render_all(voice.tokenizer, requests, context_of(config))
