"""Conversations, as chat APIs and datasets write them, as turns of a role and a text."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

__all__ = ["Turns", "answer", "asked", "is_conversation", "prompt_of", "turns"]

Turns: TypeAlias = Sequence[tuple[str, str]]
_ROLES = {"human": "user", "gpt": "assistant", "chatgpt": "assistant", "bot": "assistant"}
_THOUGHTS = ("reasoning_content", "reasoning", "thinking")


def is_conversation(value: Any) -> bool:
    """Whether it is a list of messages, by the keys of chat APIs or of ShareGPT."""
    return (
        isinstance(value, list)
        and bool(value)
        and all(isinstance(one, Mapping) and (_keys(one) is not None) for one in value)
    )


def turns(messages: Sequence[Mapping[str, Any]]) -> Turns:
    """Role and text of each message."""
    found = []
    for one in messages:
        role, content = _keys(one) or ("role", "content")
        name = str(one[role])
        found.append((_ROLES.get(name, name), _text(one[content])))
    return found


def _keys(message: Mapping[str, Any]) -> tuple[str, str] | None:
    for role, content in (("role", "content"), ("from", "value")):
        if isinstance(message.get(role), str) and content in message:
            return role, content
    return None


def asked(said: Turns) -> str:
    """What stands for a conversation: all that the user says of a single turn, else all of it."""
    spoken = [(role, text) for role, text in said if role != "system"]
    if len(spoken) == 1:
        return spoken[0][1]
    return "\n\n".join(f"{role}: {text}" for role, text in spoken)


def prompt_of(value: Any) -> str | None:
    """The prompt that a text, a conversation, or either as JSON in a text is; None if neither."""
    if isinstance(value, list) and len(value) == 1 and isinstance(value[0], str):
        return prompt_of(value[0])
    if is_conversation(value):
        return asked(turns(value))
    if not isinstance(value, str):
        return None
    if value.lstrip().startswith("[{"):
        try:
            inner = json.loads(value)
        except (ValueError, RecursionError):
            return value
        return asked(turns(inner)) if is_conversation(inner) else value
    return value


def answer(message: Mapping[str, Any]) -> dict[str, Any]:
    """Text and thought of a message that a model gave; a refusal is said to be one."""
    content = message.get("content")
    found: dict[str, Any] = {"text": _text(content)}
    thoughts = [message[key] for key in _THOUGHTS if isinstance(message.get(key), str)]
    if isinstance(content, list):
        thoughts += [one["reasoning"] for one in content if _is_thought(one)]
    if any(thoughts):
        found["thought"] = next(filter(None, thoughts))
    if not found["text"] and isinstance(message.get("refusal"), str):
        found |= {"text": message["refusal"], "finish_reason": "refusal"}
    return found


def _is_thought(part: Any) -> bool:
    return isinstance(part, Mapping) and isinstance(part.get("reasoning"), str)


def _text(content: Any) -> str:
    """The text of a content, which may be of several parts."""
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list) else []
    texts = [one if isinstance(one, str) else one.get("text") for one in parts if _has_text(one)]
    return "".join(text for text in texts if isinstance(text, str))


def _has_text(part: Any) -> bool:
    return isinstance(part, str | Mapping)
