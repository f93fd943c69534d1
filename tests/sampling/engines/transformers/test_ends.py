"""Stop strings: where a text ends, in both ways of drawing, is where `generate` ends it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from transformers import AutoModelForCausalLM, PreTrainedTokenizerFast

from pytest_diversity.config.values import Generation
from pytest_diversity.sampling.chat import marks
from pytest_diversity.sampling.engines.transformers.ends import Ends
from pytest_diversity.sampling.engines.transformers.engine import TransformersEngine
from pytest_diversity.sampling.protocol import Progress, Request
from tests.sampling.conftest import build_tokenizer

Load = Callable[[Path], TransformersEngine]
PROMPTS = ("the cat", "a dog ran in the park", "hello")
TEXTS = {
    "within one token": ("a cat sat", ["at"], "a c"),
    "over the border of two tokens": ("the dog ran", ["e d"], "th"),
    "over many tokens": ("a xyzzy b", [" xyzzy "], "a"),
    "the first of two": ("one. two! three", ["!", "."], "one"),
    "a line's end": ("one\n\ntwo", ["\n\n"], "one"),
    "a character of several bytes": ("a … b", ["…"], "a "),
    "at the very beginning": ("stop it", ["stop"], ""),
    "at the very end": ("do stop", ["stop"], "do "),
    "longer than the text": ("a", ["a cat"], "a"),
    "not there": ("the cat sat", ["dog"], "the cat sat"),
}


@pytest.mark.parametrize("case", TEXTS)
def test_a_text_ends_before_a_stop_string(tokenizer: PreTrainedTokenizerFast, case: str) -> None:
    """Token by token, the text ends with the token that completes a string, and is cut before."""
    text, strings, expected = TEXTS[case]
    ends = Ends(tokenizer, frozenset(), tuple(strings))
    tokens = list(tokenizer(text)["input_ids"])
    whole = ends.whole(tokens)
    assert ends.text(whole) == expected
    assert ends(whole) == (expected != text)
    assert not any(ends(tokens[:length]) for length in range(1, len(whole)))


def test_a_special_token_can_be_a_stop_string(tokenizer: PreTrainedTokenizerFast) -> None:
    """A turn's marker ends the text, though no text shows it."""
    ends = Ends(tokenizer, frozenset(), ("<|user|>",))
    whole = ends.whole(tokenizer("the cat<|user|>the dog")["input_ids"])
    assert ends(whole)
    assert ends.text(whole) == "the cat"


MARKED = {
    "a thought in special tokens": (
        "[THINK]the cat[/THINK]the dog",
        "[THINK]the cat[/THINK]the dog",
    ),
    "its end alone": ("the cat[/THINK]the dog", "the cat[/THINK]the dog"),
    "other special tokens": ("the cat<|user|>the dog", "the catthe dog"),
}


@pytest.mark.parametrize("case", MARKED)
def test_special_tokens_that_mark_thoughts_stay(case: str) -> None:
    """Without them nobody could tell a thought from its answer; others are left out."""
    said, text = MARKED[case]
    tokenizer = build_tokenizer()
    tokenizer.add_special_tokens({"additional_special_tokens": ["[THINK]", "[/THINK]"]})
    ends = Ends(tokenizer, frozenset(), (), marks(tokenizer))
    assert ends.text(tokenizer(said)["input_ids"]) == text


def _expected(engine: TransformersEngine, path: Path, strings: list[str], length: int) -> list[str]:
    """The greedy texts of `generate(stop_strings=...)`, cut before the first of them."""
    model: Any = AutoModelForCausalLM.from_pretrained(path)
    tokenizer = engine._drawer.voice.tokenizer
    texts = []
    for prompt in PROMPTS:
        message = [{"role": "user", "content": prompt}]
        inputs = tokenizer.apply_chat_template(
            message, add_generation_prompt=True, return_tensors="pt", return_dict=True
        )
        output = model.generate(
            **inputs,
            do_sample=False,
            max_new_tokens=length,
            stop_strings=strings,
            tokenizer=tokenizer,
        )
        new = output[0, inputs["input_ids"].shape[1] :]
        texts.append(tokenizer.decode(new, skip_special_tokens=True))
    found = [[place for s in strings if (place := text.find(s)) >= 0] for text in texts]
    return [text[: min(at, default=None)] for text, at in zip(texts, found, strict=True)]


def _greedy(
    engine: TransformersEngine, strings: list[str], length: int, progress: Progress
) -> tuple[list[str], list[str | None]]:
    settings = Generation(temperature=0.0, max_tokens=length, stop=tuple(strings))
    requests = [Request(text, text, (0,), settings) for text in PROMPTS]
    by_prompt = {sample.prompt: sample for sample in engine.sample(requests, progress)}
    samples = [by_prompt[text] for text in PROMPTS]
    return [sample.text for sample in samples], [sample.finish_reason for sample in samples]


@pytest.mark.parametrize("way", ["shared cache", "generate"])
def test_a_random_models_texts_end_where_generate_ends_them(
    load_engine: Load, tiny: Path, said: Progress, way: str
) -> None:
    """Its texts are noise, so any of their characters is a stop string."""
    engine = load_engine(tiny)
    engine._drawer.shares = way == "shared cache"
    full, _ = _greedy(engine, [], 12, said)
    strings = sorted({text[6] for text in full})
    texts, reasons = _greedy(engine, strings, 12, said)
    assert texts == _expected(engine, tiny, strings, 12)
    assert reasons == ["stop"] * len(PROMPTS)
    assert texts != full


@pytest.mark.long
@pytest.mark.parametrize(
    "strings",
    [["."], [" the", "\n"], ["ing "]],
    ids=["a full stop", "a word or a line", "over the border of two tokens"],
)
def test_smollm2s_texts_end_where_generate_ends_them(
    load_engine: Load, smollm2: Path, said: Progress, strings: list[str]
) -> None:
    """The greedy text of a real model, with its finish reason, in both ways of drawing."""
    engine = load_engine(smollm2)
    expected = _expected(engine, smollm2, strings, 24)
    texts, reasons = _greedy(engine, strings, 24, said)
    assert texts == expected
    assert "stop" in reasons
    engine._drawer.shares = False
    assert _greedy(engine, strings, 24, said) == (texts, reasons)
