"""Whether a model can read what it is asked, found out with its tokenizer alone."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
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

__all__ = ["check_readable", "has_template", "read_adapter"]


def check_readable(path: Path, adapter: Path | None, requests: Sequence[Request]) -> None:
    """Write requests as the model in `path` reads them, with the tokenizer beside its adapter.

    Raises:
        CheckpointError: Its tokenizer, or what was saved with its adapter, cannot be loaded.
        ConfigError: Its chat template refuses one, or a prompt leaves no room for its answer.
    """
    silence()
    with without_warnings():
        voice = _voice(path, adapter)
        with explained(f"checkpoint {path}"):
            context = context_of(AutoConfig.from_pretrained(path, trust_remote_code=False))
        with explained(f"checkpoint {path}"):
            render_all(voice.tokenizer, requests, context)


def has_template(path: Path, adapter: Path | None) -> bool:
    """Whether a model, or the adapter on it, has a chat template of its own.

    Raises:
        CheckpointError: Its tokenizer, or what was saved with its adapter, cannot be loaded.
    """
    silence()
    with without_warnings():
        return _voice(path, adapter).tokenizer.chat_template is not None


def _voice(path: Path, adapter: Path | None) -> Voice:
    with explained(f"checkpoint {path}"):
        voice = Voice(load_tokenizer(path), frozenset())
    return voice if adapter is None else read_adapter(adapter, voice)[0]


def read_adapter(adapter: Path, voice: Voice) -> tuple[Voice, str]:
    """How a model with that voice is spoken to with an adapter, and in words what is its own.

    Raises:
        CheckpointError: Something that was saved with the adapter cannot be read.
    """
    with explained(
        f"adapter {adapter}", fix="save it with this version of peft, and its tokenizer"
    ):
        if find_spec("peft"):
            from peft import PeftConfig  # noqa: PLC0415 - optional

            PeftConfig.from_pretrained(str(adapter))
        return voice.beside(adapter)
