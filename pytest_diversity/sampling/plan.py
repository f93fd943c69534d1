"""What is to be drawn, and the keys that its samples are kept under."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field

from pytest_diversity.config.values import Generation
from pytest_diversity.prompts import Prompt
from pytest_diversity.sampling.protocol import Chat, Identity

__all__ = ["Plan"]


@dataclass(frozen=True, slots=True)
class Plan:
    """What is wanted: K samples for each prompt, drawn in one way from one model.

    Attributes:
        identity: Of the model.
        generation: The way.
        prompts: By id.
        count: K.
        source: Where the prompts are from: two processes never draw those of one source at once.
        domain: What the samples are drawn for; they are the same for any other.
        chat: How conversations are written.
    """

    identity: Identity
    generation: Generation
    prompts: Mapping[str, Prompt]
    count: int
    source: str = ""
    domain: str | None = None
    chat: Chat = field(default_factory=Chat)

    @property
    def lock(self) -> str:
        """What names everything that could be the same samples."""
        return hashlib.sha256(
            repr((self.identity, self.generation, self.source)).encode()
        ).hexdigest()

    def key(self, prompt: Prompt) -> tuple[str, str]:
        """The key of a prompt's samples, and the same readable."""
        drawn = {**self.generation.settings(), **self.chat.settings()}
        settings = {**asdict(self.identity), **drawn, **prompt.asked}
        detail = json.dumps(settings, sort_keys=True)
        return hashlib.sha256(detail.encode()).hexdigest(), detail
