"""A request as a model reads it: through a chat template, or joined plainly.

The beginning of an answer (`prefill`) stands after what the template writes before an answer.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from pytest_diversity.errors import ConfigError, first_line
from pytest_diversity.prompts import Message
from pytest_diversity.sampling.protocol import NO_TEMPLATE, Request
from pytest_diversity.thinking import MARKERS, begun

__all__ = ["begins", "context_of", "marks", "plain", "render", "render_all"]


def render_all(
    tokenizer: Any, requests: Sequence[Request], context: int | None = None
) -> list[tuple[int, ...]]:
    """The token ids of each request, where all of them can be sampled and tell prompts apart.

    Args:
        tokenizer: Of the model.
        requests: What is wanted.
        context: How many tokens the model can hold; None if it does not say.

    Raises:
        ConfigError: The template refuses a request, two prompts are the same to the model, or
            one is nothing to it, or leaves no room for its answer.
    """
    rendered = [render(tokenizer, request) for request in requests]
    known: dict[tuple[int, ...], str] = {}
    for request, tokens in zip(requests, rendered, strict=True):
        same = known.setdefault(tokens, request.prompt)
        if same != request.prompt:
            raise ConfigError(
                f"the prompts {same!r} and {request.prompt!r} are the same to the model",
                fix="remove one, whose samples would count twice, or name a template that tells "
                "them apart",
            )
        if not tokens:
            raise ConfigError(
                f"prompt {request.prompt!r} has no tokens: the model would have nothing to read",
                fix="give it a text, or name a template that writes one",
            )
        _check_room(request, len(tokens), context)
    return rendered


def _check_room(request: Request, tokens: int, context: int | None) -> None:
    most = request.generation.max_tokens
    if context is not None and tokens + most > context:
        raise ConfigError(
            f"prompt {request.prompt!r} has {tokens} tokens and its answers up to {most}, "
            f"but the model's context has {context}",
            fix="lower max_tokens, or shorten the prompt",
        )


def context_of(config: Any) -> int | None:
    """How many tokens a model can hold, prompt and answer; None where it does not say."""
    if config.is_encoder_decoder:
        return None
    return getattr(config.get_text_config(), "max_position_embeddings", None)


def render(tokenizer: Any, request: Request) -> tuple[int, ...]:
    """The token ids of a request, for the engines that run a model themselves.

    Raises:
        ConfigError: The template refuses it.
    """
    if _is_plain(tokenizer, request):
        return tuple(tokenizer(plain(request.turns, request.prefill))["input_ids"])
    text = _written(tokenizer, request) + request.prefill
    return tuple(tokenizer(text, add_special_tokens=False)["input_ids"])


def begins(tokenizer: Any, request: Request) -> str:
    """The beginning of a thought that template or prefill leave open: answers go on with it."""
    if _is_plain(tokenizer, request):
        return begun(plain(request.turns), request.prefill)
    return begun(_written(tokenizer, request), request.prefill)


def plain(turns: Sequence[Message], prefill: str = "") -> str:
    """Messages as one text, for a model that knows no roles."""
    texts = [turn.content for turn in turns]
    return "\n\n".join([*texts, prefill] if prefill else texts)


def marks(tokenizer: Any) -> frozenset[int]:
    """Ids of special tokens that mark thoughts: a text that has one keeps its special tokens."""
    added = getattr(tokenizer, "added_tokens_decoder", {})
    return frozenset(
        number for number, token in added.items() if token.special and token.content in MARKERS
    )


def _is_plain(tokenizer: Any, request: Request) -> bool:
    template = request.chat.template
    return template == NO_TEMPLATE or (template is None and tokenizer.chat_template is None)


def _written(tokenizer: Any, request: Request) -> str:
    """What the template makes of the messages, up to where an answer begins."""
    chat, turns = request.chat, request.turns
    try:
        template = chat.template
        if chat.clock and "" not in chat.clock:
            template = _stopped(chat.clock) + tokenizer.get_chat_template(template)
        text: str = tokenizer.apply_chat_template(
            [turn._asdict() for turn in turns],
            chat_template=template,
            tokenize=False,
            add_generation_prompt=True,
            **chat.told,
        )
    except Exception as error:  # Jinja's own, and whatever a template makes of what it is given
        raise _refused(request, first_line(error)) from error
    if any(turn.role == "system" and turn.content.strip() not in text for turn in turns):
        raise _refused(request, "it leaves out the system message")
    return text


def _stopped(clock: Mapping[str, str]) -> str:
    """What makes the clock stand still in a template: text for the first line before its own."""
    told = f"{json.dumps(dict(clock))}[format]"
    return f"{{% macro strftime_now(format) %}}{{{{ {told} }}}}{{% endmacro %}}\n"


def _refused(request: Request, reason: str) -> ConfigError:
    system = request.turns[0].role == "system"
    fix = 'name another one with template = "FILE", or template = "none"'
    return ConfigError(
        f"the chat template cannot write prompt {request.prompt!r}: {reason}",
        fix=f"ask without a system message, or {fix}" if system else fix,
    )
