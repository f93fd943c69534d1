"""What a model reads: through its own template, another one, or none."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from transformers import PreTrainedTokenizerFast

from pytest_diversity.config.values import Generation
from pytest_diversity.errors import ConfigError
from pytest_diversity.prompts import Message
from pytest_diversity.sampling.chat import begins, render, render_all
from pytest_diversity.sampling.protocol import Chat, Request

TALK = (Message("user", "One?"), Message("assistant", "Two."), Message("user", "Three?"))
SYSTEM = (Message("system", "Count."), *TALK)
NONE = Chat(template="none")
THINKS = "{{ messages[-1]['content'] }}<|assistant|>{% if not quiet %}<think>\n{% endif %}"
REFUSES = (
    "{% if messages[0]['role'] == 'system' %}{{ raise_exception('no system role') }}{% endif %}"
)
DATED = "{{ strftime_now('%d %b %Y') }}: {{ messages[-1]['content'] }}"


def ask(**fields: Any) -> Request:
    """A request, of one question unless the fields say more."""
    return Request(
        **{"prompt": "p", "text": "Three?", "numbers": (0,), "generation": Generation(), **fields}
    )


READ: Mapping[str, tuple[Request, str]] = {
    "a question": (ask(), "<|user|>Three?<|end|><|assistant|>"),
    "a system message of the settings": (
        ask(generation=Generation(system="Add.")),
        "<|system|>Add.<|end|><|user|>Three?<|end|><|assistant|>",
    ),
    "several turns": (
        ask(messages=TALK),
        "<|user|>One?<|end|><|assistant|>Two.<|end|><|user|>Three?<|end|><|assistant|>",
    ),
    "a system message of the prompt's own": (
        ask(messages=SYSTEM[::3], generation=Generation(system="Add.")),
        "<|system|>Count.<|end|><|user|>Three?<|end|><|assistant|>",
    ),
    "a beginning of the answer": (ask(prefill="Fo"), "<|user|>Three?<|end|><|assistant|>Fo"),
    "no template": (ask(chat=NONE), "Three?"),
    "no template, several turns": (
        ask(messages=SYSTEM, prefill="Fo", chat=NONE),
        "Count.\n\nOne?\n\nTwo.\n\nThree?\n\nFo",
    ),
    "another template": (ask(chat=Chat(template=THINKS)), "Three?<|assistant|><think>\n"),
    "a template that is told something": (
        ask(chat=Chat(template=THINKS, told={"quiet": True})),
        "Three?<|assistant|>",
    ),
    "a template that reads the clock": (
        ask(chat=Chat(template=DATED, clock={"%d %b %Y": "31 Jan 2026"})),
        "31 Jan 2026: Three?",
    ),
}


@pytest.mark.parametrize("case", READ)
def test_what_a_model_reads(tokenizer: PreTrainedTokenizerFast, case: str) -> None:
    """Messages, their template, and the beginning of the answer make one text."""
    request, text = READ[case]
    assert tokenizer.decode(list(render(tokenizer, request))) == text


REFUSED: Mapping[str, tuple[Request, str]] = {
    "no system role": (
        ask(messages=SYSTEM, chat=Chat(template=REFUSES)),
        "cannot write prompt 'p': no system role",
    ),
    "the system message is left out": (
        ask(messages=SYSTEM, chat=Chat(template=THINKS)),
        "leaves out the system message",
    ),
    "not Jinja": (ask(chat=Chat(template="{% if %}")), "cannot write prompt 'p'"),
    "no room": (ask(generation=Generation(max_tokens=60)), "but the model's context has 64"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_read_is_one_sentence(tokenizer: PreTrainedTokenizerFast, case: str) -> None:
    """It is refused with the prompt's id before anything is drawn."""
    request, message = REFUSED[case]
    with pytest.raises(ConfigError, match=message) as caught:
        render_all(tokenizer, [request], 64)
    assert "\n" not in caught.value.message
    assert caught.value.fix


def test_several_templates_without_a_default(tokenizer: PreTrainedTokenizerFast) -> None:
    """One of them has to be named."""
    templates: Any = {"tools": THINKS, "rag": THINKS}
    before, tokenizer.chat_template = tokenizer.chat_template, templates
    try:
        with pytest.raises(ConfigError, match="multiple chat templates") as caught:
            render(tokenizer, ask())
    finally:
        tokenizer.chat_template = before
    assert 'template = "FILE"' in str(caught.value.fix)


def test_two_prompts_that_a_model_cannot_tell_apart(tokenizer: PreTrainedTokenizerFast) -> None:
    """A template that trims makes one of two prompts: they would count twice."""
    trims = Chat(template="{{ messages[-1]['content'] | trim }}")
    requests = [ask(prompt="a", text="Hi", chat=trims), ask(prompt="b", text="Hi ", chat=trims)]
    with pytest.raises(ConfigError, match="'a' and 'b' are the same to the model"):
        render_all(tokenizer, requests)
    assert len(render_all(tokenizer, [ask(prompt="a"), ask(prompt="b", text="Hi")])) == 2


def test_thoughts_that_a_template_opens(tokenizer: PreTrainedTokenizerFast) -> None:
    """Answers go on with what the template has written of them."""
    assert begins(tokenizer, ask(chat=Chat(template=THINKS))) == "<think>\n"
    assert begins(tokenizer, ask(chat=Chat(template=THINKS, told={"quiet": True}))) == ""
    assert begins(tokenizer, ask(prefill="<think>So")) == "<think>So"
