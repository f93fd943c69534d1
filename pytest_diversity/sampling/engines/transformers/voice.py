"""How a model is spoken to: its tokenizer, its chat template, and the tokens that end a text."""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

from transformers import GenerationConfig

from pytest_diversity.checkpoints.adapters import TOKENIZER
from pytest_diversity.sampling.engines.transformers.loading import load_tokenizer

__all__ = ["Voice"]


@dataclass(frozen=True, slots=True)
class Voice:
    """A tokenizer and the end tokens that its model was trained with.

    Attributes:
        tokenizer: With its chat template, if it has one.
        said: Ids of end tokens, as a `generation_config.json` says them.
    """

    tokenizer: Any
    said: frozenset[int]

    @classmethod
    def of_model(cls, tokenizer: Any, model: Any) -> Self:
        """That of a model as it was loaded."""
        return cls(tokenizer, _ends(model.generation_config))

    @property
    def ends(self) -> frozenset[int]:
        """All ids that end a text."""
        own = self.tokenizer.eos_token_id
        return self.said if own is None else self.said | {own}

    def beside(self, adapter: Path) -> tuple[Self, str]:
        """That of an adapter on the model, and in words what of it was saved beside the adapter."""
        voice, own = self, []
        if any((adapter / name).is_file() for name in TOKENIZER):
            voice, own = replace(voice, tokenizer=load_tokenizer(adapter)), ["tokenizer"]
        template = adapter / "chat_template.jinja"
        if template.is_file() and not own:
            voice = replace(voice, tokenizer=copy(self.tokenizer))
            voice.tokenizer.chat_template = template.read_text(encoding="utf-8")
        if voice.tokenizer.chat_template != self.tokenizer.chat_template:
            own.append("chat template")
        if (adapter / "generation_config.json").is_file():
            voice = replace(voice, said=_ends(GenerationConfig.from_pretrained(adapter)))
        if voice.ends != self.ends:
            own.append("end tokens")
        return voice, " and ".join(filter(None, (", ".join(own[:-1]), *own[-1:])))


def _ends(config: Any) -> frozenset[int]:
    ids = config.eos_token_id
    return frozenset(i for i in (ids if isinstance(ids, list) else [ids]) if i is not None)
