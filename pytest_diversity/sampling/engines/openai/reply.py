"""What a server is asked, and what its reply says; pure."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import fields
from types import MappingProxyType
from typing import Any, NamedTuple

from pytest_diversity.config.server import Endpoint
from pytest_diversity.config.values import Generation
from pytest_diversity.prompts import Message
from pytest_diversity.samples import NO_ANSWER, UNFINISHED
from pytest_diversity.sampling.chat import plain
from pytest_diversity.thinking import whole

__all__ = [
    "NEUTRAL",
    "SEED_BITS",
    "Answer",
    "Question",
    "UnusableReplyError",
    "read_answers",
    "read_deterministic",
    "read_models",
    "read_reason",
    "sends",
    "unsent",
]

SEED_BITS = 31  # of a seed that every server can read
# Fields and the values that change nothing: those that the OpenAI API does not have, by servers'
# names for them, and its own. What a server is not told, it may take from the model's own file.
NEUTRAL: Sequence[tuple[str, float]] = (
    ("top_k", 0),
    ("top_k", -1),  # SGLang's
    ("min_p", 0.0),
    ("repetition_penalty", 1.0),
    ("repeat_penalty", 1.0),  # llama.cpp's
    ("temperature", 1.0),
    ("top_p", 1.0),
)
_SETTINGS = {name: name for name, _ in NEUTRAL} | {"repeat_penalty": "repetition_penalty"}
_TEXTS = {"text", "output_text"}
_NONE = "no completion"
_NAME = 500  # characters; what is longer names nothing
_MOST = 2**31 - 1  # tokens of an answer
_ROUNDING = 0.01  # above 0 that a sum of log-probabilities may be
_HALF = re.compile("[\ud800-\udfff]")
_DEFAULTS = {field.name: field.default for field in fields(Generation)}


class UnusableReplyError(ValueError):
    """A reply with no finished answer, though the server calls it one; the message says why."""


class Answer(NamedTuple):
    """One choice of a reply.

    Attributes:
        text: The answer.
        finish_reason: Why it ended.
        tokens: Its length, if known.
        logprob: Its log-probability, if known.
        thought: What a reasoning model thought before it, where the server splits it off.
        odd: What the server said of it that cannot be, and what became of that.
        asked: The tokens of the prompt, if known.
    """

    text: str
    finish_reason: str | None
    tokens: int | None
    logprob: float | None
    thought: str | None = None
    odd: tuple[str, ...] = ()
    asked: int | None = None

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
        continues: Whether it is told so.
    """

    text: str
    seed: int
    generation: Generation
    logprobs: bool = False
    choices: int = 1
    neutral: Mapping[str, float] = MappingProxyType({})
    messages: Sequence[Message] = ()
    prefill: str = ""
    continues: bool = True

    def body(self, model: str, server: Endpoint) -> dict[str, Any]:
        """The body of the request."""
        made = {"model": model, **(self._messages() if server.api == "chat" else self._prompt())}
        if self.choices > 1:
            made["n"] = self.choices
        neutral, said = _named(self.neutral, server), _named(self._settings(server), server)
        return {**neutral, **self._continues(server), **server.body, **said, **made}

    def _settings(self, server: Endpoint) -> dict[str, Any]:
        settings = self.generation
        changed = {
            name: getattr(settings, setting)
            for name, setting in _SETTINGS.items()
            if getattr(settings, setting) != _DEFAULTS[setting]
            and (name == setting or name in self.neutral)
        }
        asked: dict[str, Any] = {"seed": self.seed, "max_tokens": settings.max_tokens, **changed}
        if settings.stop:
            asked["stop"] = list(settings.stop)
        if self.logprobs:
            chat = server.api == "chat"
            asked |= {"logprobs": True, "top_logprobs": 1} if chat else {"logprobs": 1}
        return asked

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
        if not self.prefill or not self.continues or server.api != "chat":
            return {}
        return {"continue_final_message": True, "add_generation_prompt": False}


def sends(server: Endpoint, name: str) -> bool:
    """Whether a server is told a setting, by the name that the API or `NEUTRAL` has for it."""
    return name not in server.omit and (not server.send or name in server.send)


def unsent(server: Endpoint, generation: Generation) -> str | None:
    """A setting that was chosen and that the server is not told."""
    chosen = (name for name in (*_SETTINGS, "max_tokens", "stop") if name in _DEFAULTS)
    return next(
        (
            name
            for name in chosen
            if getattr(generation, name) != _DEFAULTS[name] and not sends(server, name)
        ),
        None,
    )


def _named(settings: Mapping[str, Any], server: Endpoint) -> dict[str, Any]:
    """Those of them that the server is told, under its names for them."""
    return {
        server.rename.get(name, name): value
        for name, value in settings.items()
        if sends(server, name)
    }


def read_answers(reply: bytes) -> list[Answer]:
    """The finished answers of a completion, of either API; at least one.

    Raises:
        UnusableReplyError: It is no completion, or one that was broken off.
    """
    try:
        data = json.loads(reply.decode())  # JSON is UTF-8, whatever the header says
        choices = [] if data.get("error") else list(data["choices"])
        usage = data.get("usage") or {}
        used = usage.get("completion_tokens") if len(choices) == 1 else None
        asked = _tokens(usage.get("prompt_tokens"))
        answers = [_answer(choice, used)._replace(asked=asked) for choice in choices]
    except UnusableReplyError:
        raise
    except (ValueError, RecursionError, TypeError, KeyError, AttributeError):
        raise UnusableReplyError(_NONE) from None
    if not answers:
        raise UnusableReplyError(_NONE)
    return answers


def read_models(reply: bytes) -> list[str]:
    """The names in a list of models; none if it is no such list."""
    try:
        data = json.loads(reply.decode())["data"]
        return [name for one in data if isinstance(name := one["id"], str) and len(name) < _NAME]
    except (ValueError, RecursionError, TypeError, KeyError):
        return []


def read_deterministic(reply: bytes) -> list[bool]:
    """What a server's page of settings says of determinism: SGLang's or vLLM's; else nothing."""
    try:
        page = json.loads(reply.decode())
        variables = page.get("vllm_env") or {}
        said = (page.get("enable_deterministic_inference"), variables.get("VLLM_BATCH_INVARIANT"))
    except (ValueError, RecursionError, AttributeError):
        return []
    return [one for one in said if isinstance(one, bool)]


def read_reason(reply: str) -> str:
    """What a server says of a request that it refuses, in whichever of the usual fields."""
    try:
        said = json.loads(reply)
    except (ValueError, RecursionError):
        return reply
    for key in ("error", "message", "detail"):
        if isinstance(said, dict) and said.get(key):
            said = said[key]
    return str(said)


def _answer(choice: Mapping[str, Any], used: Any) -> Answer:
    message = choice["message"] if "message" in choice else {"content": choice["text"]}
    parts = _Parts.of(message)
    reason = _finish_reason(choice, message, parts)
    tokens = _tokens(used)
    logprob = _logprob(choice.get("logprobs"))
    texts = _whole(parts.text), _whole(parts.thought)
    impossible = logprob is not None and not -math.inf < logprob <= _ROUNDING
    odd = {
        "completion_tokens out of range, which are left out": used is not None and tokens is None,
        "logprobs out of range, which are left out": impossible,
        "halves of surrogate pairs, for which U+FFFD stands": texts != (parts.text, parts.thought),
    }
    return Answer(
        text=texts[0],
        finish_reason=reason,
        tokens=tokens,
        logprob=None if impossible else logprob,
        thought=texts[1] or None,
        odd=tuple(name for name, is_odd in odd.items() if is_odd),
    )


def _tokens(said: Any) -> int | None:
    return said if type(said) is int and 0 <= said <= _MOST else None


class _Parts(NamedTuple):
    """The texts of a message, and whether it was given a content at all."""

    text: str
    given: bool
    thought: str
    refusal: str

    @classmethod
    def of(cls, message: Mapping[str, Any]) -> _Parts:
        content, refusal = message.get("content"), message.get("refusal") or ""
        thought = message.get("reasoning_content") or message.get("reasoning") or ""
        given = content is not None
        if isinstance(content, list):
            refusal += "".join(part["refusal"] for part in content if part["type"] == "refusal")
            thought += "".join(_thought(part) for part in content if part["type"] == "thinking")
            content = "".join(part["text"] for part in content if part["type"] in _TEXTS)
        if not all(isinstance(text, str) for text in (content or "", refusal, thought)):
            raise TypeError
        return cls(content or refusal, given, thought, refusal)


def _thought(part: Mapping[str, Any]) -> str:
    inner = part["thinking"]
    return inner if isinstance(inner, str) else "".join(one["text"] for one in inner)


def _finish_reason(
    choice: Mapping[str, Any], message: Mapping[str, Any], parts: _Parts
) -> str | None:
    """Why an answer ended, where it is one.

    Raises:
        UnusableReplyError: It did not end, or there is none.
    """
    reason = choice.get("finish_reason", "")
    if reason is None or reason in UNFINISHED:
        raise UnusableReplyError(f"an answer that is not finished (finish_reason {reason!r})")
    if not isinstance(reason, str) or len(reason) > _NAME or not reason.isprintable():
        raise UnusableReplyError("a finish_reason that is none")
    if parts.refusal:
        return "refusal"
    for call in ("tool_calls", "function_call"):
        if message.get(call):
            return call
    ended = reason == "length" or reason in NO_ANSWER or parts.thought
    if not parts.given and not ended:
        raise UnusableReplyError("no text (content null)")
    return reason or None


def _whole(text: str) -> str:
    """Half of a surrogate pair, as of a character that the last token cut, has no UTF-8 form."""
    return _HALF.sub("\ufffd", text)


def _logprob(given: Any) -> float | None:
    """The sum over the tokens, where a server gives them, in either API's form."""
    match given:
        case {"content": [*tokens]}:
            values = [one.get("logprob") for one in tokens if isinstance(one, dict)]
        case {"token_logprobs": [*values]}:
            pass
        case _:
            return None
    known = [value for value in values if isinstance(value, int | float)]
    try:
        return math.fsum(known) if len(known) == len(values) > 0 else None
    except OverflowError:
        return math.inf
