"""What is to be drawn, and the keys that its samples are kept under."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from itertools import zip_longest

from pytest_diversity.config.values import Generation
from pytest_diversity.prompts import Prompt
from pytest_diversity.sampling.protocol import Identity

__all__ = ["Plan", "choose_prompts"]


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
    """

    identity: Identity
    generation: Generation
    prompts: Mapping[str, Prompt]
    count: int
    source: str = ""
    domain: str | None = None

    @property
    def lock(self) -> str:
        """What names everything that could be the same samples."""
        return hashlib.sha256(
            repr((self.identity, self.generation, self.source)).encode()
        ).hexdigest()

    def key(self, prompt: Prompt) -> tuple[str, str]:
        """The key of a prompt's samples, and the same readable."""
        settings = {**asdict(self.identity), **self.generation.settings(), "prompt": prompt.prompt}
        detail = json.dumps(settings, sort_keys=True)
        return hashlib.sha256(detail.encode()).hexdigest(), detail


def choose_prompts(prompts: Mapping[str, Prompt], limit: int | None) -> dict[str, Prompt]:
    """At most `limit` prompts, taken from the groups in turn so that all are represented."""
    groups: dict[str | None, list[Prompt]] = {}
    for prompt in prompts.values():
        groups.setdefault(prompt.group, []).append(prompt)
    turns = (prompt for turn in zip_longest(*groups.values()) for prompt in turn if prompt)
    chosen = {prompt.id for prompt in list(turns)[:limit]}
    return {name: prompt for name, prompt in prompts.items() if name in chosen}
