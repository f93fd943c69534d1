"""What a server is asked, and what its reply says; pure."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import fields
from types import MappingProxyType
from typing import Any, NamedTuple

from pytest_diversity.config.values import Endpoint, Generation
from pytest_diversity.prompts import Message
from pytest_diversity.sampling.chat import plain
from pytest_diversity.thinking import whole

__all__ = ["NEUTRAL", "SEED_BITS", "Answer", "Question", "read_answers", "read_models"]

SEED_BITS = 31  # of a seed that every server can read
# Fields that the OpenAI API does not have, by servers' names for them, and the values that change
# nothing; what a server is not told, it may take from the model's own file.
NEUTRAL: Sequence[tuple[str, float]] = (
    ("top_k", 0),
    ("top_k", -1),  # SGLang's
    ("min_p", 0.0),
    ("repetition_penalty", 1.0),
    ("repeat_penalty", 1.0),  # llama.cpp's
)
_SETTINGS = {name: name for name, _ in NEUTRAL} | {"repeat_penalty": "repetition_penalty"}
_DEFAULTS = {field.name: field.default for field in fields(Generation)}


class Answer(NamedTuple):
    """One choice of a reply."""

    text: str
    finish_reason: str | None
    tokens: int | None
    logprob: float | None
    thought: str | None = None

    @property
    def said(self) -> str:
        """All that the model said."""
        return whole(self.text, self.thought)


class Question(NamedTuple):
    """One request for one text.

    Attributes:
        text: What the model is given.
        seed: Of this text alone.
        generation: How to draw it.
        logprobs: Whether its log-probability is wanted.
        choices: How many texts to ask for.
        neutral: Fields of `NEUTRAL` that the server takes.
        messages: The whole conversation; else the text alone.
        prefill: The beginning of the answer, which the server is to continue.
    """

    text: str
    seed: int
    generation: Generation
    logprobs: bool = False
    choices: int = 1
    neutral: Mapping[str, float] = MappingProxyType({})
    messages: Sequence[Message] = ()
    prefill: str = ""

    def body(self, model: str, server: Endpoint) -> dict[str, Any]:
        """The arguments of the client's `create`."""
        settings = self.generation
        changed = {
            name: getattr(settings, setting)
            for name, setting in _SETTINGS.items()
            if getattr(settings, setting) != _DEFAULTS[setting]
            and (name == setting or name in self.neutral)
        }
        body = {
            "model": model,
            "seed": self.seed,
            "temperature": settings.temperature,
            "top_p": settings.top_p,
            "max_tokens": settings.max_tokens,
            "extra_body": {**self.neutral, **self._continues(server), **server.body, **changed},
        }
        if settings.stop:
            body["stop"] = list(settings.stop)
        if self.choices > 1:
            body["n"] = self.choices
        chat = server.api == "chat"
        if self.logprobs:
            body |= {"logprobs": True, "top_logprobs": 1} if chat else {"logprobs": 1}
        return body | (self._messages() if chat else self._prompt())

    def _messages(self) -> dict[str, Any]:
        begun = [Message("assistant", self.prefill)] if self.prefill else []
        return {"messages": [message._asdict() for message in (*self._turns, *begun)]}

    def _prompt(self) -> dict[str, Any]:
        return {"prompt": plain(self._turns, self.prefill)}

    @property
    def _turns(self) -> Sequence[Message]:
        return self.messages or [Message("user", self.text)]

    def _continues(self, server: Endpoint) -> dict[str, bool]:
        """That the last message is not finished, as vLLM, SGLang and others are told."""
        if not self.prefill or server.api != "chat":
            return {}
        return {"continue_final_message": True, "add_generation_prompt": False}


def read_answers(reply: str) -> list[Answer]:
    """The choices of a completion, of either API; none if it is no completion."""
    try:
        data = json.loads(reply)
        choices = list(data["choices"])
        used = (data.get("usage") or {}).get("completion_tokens")
        tokens = used if type(used) is int and len(choices) == 1 else None
        return [_answer(choice, tokens) for choice in choices]
    except (ValueError, RecursionError, TypeError, KeyError, AttributeError):
        return []


def read_models(reply: str) -> list[str]:
    """The names in a list of models; none if it is no such list."""
    try:
        return [name for one in json.loads(reply)["data"] if isinstance(name := one["id"], str)]
    except (ValueError, RecursionError, TypeError, KeyError):
        return []


def _answer(choice: Mapping[str, Any], tokens: int | None) -> Answer:
    text = choice["message"]["content"] if "message" in choice else choice["text"]
    if not isinstance(text, str | None):
        raise TypeError
    reason = choice.get("finish_reason")
    return Answer(
        text=text or "",
        finish_reason=reason if isinstance(reason, str) else None,
        tokens=tokens,
        logprob=_logprob(choice.get("logprobs")),
        thought=_thought(choice.get("message")),
    )


def _thought(message: Any) -> str | None:
    """What reasoning parsers of servers leave out of the content, by either of its names."""
    names = ("reasoning_content", "reasoning")
    given = [message.get(name) for name in names] if isinstance(message, dict) else []
    return next((one for one in given if isinstance(one, str) and one), None)


def _logprob(given: Any) -> float | None:
    """The sum over the tokens, where a server gives them, in either API's form."""
    match given:
        case {"content": [*tokens]}:
            values = [one.get("logprob") for one in tokens if isinstance(one, dict)]
        case {"token_logprobs": [*values]}:
            pass
        case _:
            return None
    known = [float(value) for value in values if isinstance(value, int | float)]
    total = math.fsum(known) if len(known) == len(values) > 0 else math.nan
    return total if math.isfinite(total) else None
