"""Whether a model can read what it is asked, found out with its tokenizer alone."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from transformers import AutoConfig, AutoTokenizer

from pytest_diversity.sampling.chat import context_of, render_all
from pytest_diversity.sampling.engines.transformers.loading import (
    explained,
    silence,
    without_warnings,
)
from pytest_diversity.sampling.protocol import Request

__all__ = ["check_readable"]


def check_readable(path: Path, requests: Sequence[Request]) -> None:
    """Write requests as the model in `path` reads them.

    Raises:
        CheckpointError: Its tokenizer cannot be loaded.
        ConfigError: Its chat template refuses one, or a prompt leaves no room for its answer.
    """
    silence()
    with without_warnings(), explained(f"checkpoint {path}"):
        tokenizer = AutoTokenizer.from_pretrained(path)
        config = AutoConfig.from_pretrained(path)
        render_all(tokenizer, requests, context_of(config))
