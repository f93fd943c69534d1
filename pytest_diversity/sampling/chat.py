"""A request as a model reads it: through its chat template, where it has one."""

from __future__ import annotations

from typing import Any

from pytest_diversity.sampling.protocol import Request

__all__ = ["render"]


def render(tokenizer: Any, request: Request) -> tuple[int, ...]:
    """The token ids of a request, for the engines that run a model themselves."""
    system = request.generation.system
    if tokenizer.chat_template is None:
        text = request.text if system is None else f"{system}\n\n{request.text}"
        return tuple(tokenizer(text)["input_ids"])
    messages = [{"role": "system", "content": system}] if system is not None else []
    messages.append({"role": "user", "content": request.text})
    text = tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
    return tuple(tokenizer(text, add_special_tokens=False)["input_ids"])
