"""Whether a text answers its prompt, roughly, by what is installed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pytest_diversity.config.quality import Quality
from pytest_diversity.features.embeddings import shared_embedder
from pytest_diversity.judges import adequate
from pytest_diversity.judges.protocol import Pair, assess
from pytest_diversity.judges.tools import Tools

PROMPT = "What is a good way to keep bread fresh for longer?"
ANSWER = "Keep the bread in a cloth bag at room temperature, and freeze what you will not eat soon."
RAMBLING = "What is a good way to store cheese? Posted by anna, 3 replies. Read more in our forum."


def embed(texts: Sequence[str]) -> Any:
    """Letters counted: texts of the same letters are alike."""
    return np.array([[1 + text.lower().count(one) for one in "abcdefgh"] for text in texts])


def ratios(pairs: Sequence[Pair]) -> Any:
    """Every text as likely either way."""
    return np.zeros(len(pairs))


def test_the_signals_are_as_many_as_the_weights() -> None:
    """Seven with a scorer, six without."""
    pairs = [(PROMPT, ANSWER), (PROMPT, RAMBLING)]
    assert adequate.signals(pairs, embed, ratios).shape == (2, 7)
    assert adequate.signals(pairs, embed, None).shape == (2, 6)


def test_questions_and_tasks_are_seen() -> None:
    """As shares of the sentences."""
    asked = "Why is that? Explain it. It is so. It was so."
    assert adequate.signals([(PROMPT, asked)], embed, None)[0, 2:4].tolist() == [0.25, 0.5]


@pytest.mark.parametrize(
    "text", ["", " \n", "<|im_end|>", "ha " * 50, PROMPT, f"  {PROMPT}\n"], ids=repr
)
def test_what_is_no_text_is_no_answer(text: str) -> None:
    """Nor is the prompt again; no model is asked."""
    tools = Tools(embed, lambda: "given", "cpu", Path(), dict)
    judge = adequate.find(Quality("adequate", scorer="none"), tools)
    assert assess(judge, [(PROMPT, text)], Quality("adequate")).scores == (0.0,)


def test_without_a_scorer_it_says_so() -> None:
    """Values by embeddings alone are others, and are not taken for those with one."""
    tools = Tools(embed, lambda: "given", "cpu", Path(), dict)
    judge = adequate.find(Quality("adequate", scorer="none"), tools)
    assert "embeddings alone" in judge.note
    assert judge.version.endswith("no scorer)")


@pytest.mark.parametrize(
    "scorer", [pytest.param(None, marks=pytest.mark.long, id="with a scorer"), "none"]
)
def test_an_answer_is_told_from_rambling(scorer: str | None) -> None:
    """By the models that are installed; a lone surrogate and a very long text are no fault."""
    texts = [ANSWER, RAMBLING, "\ud800", "bread " + "word " * 20_000]
    embedder = shared_embedder(None, Path())
    tools = Tools(embedder, lambda: embedder.fingerprint({}), "cpu", Path(), dict)
    quality = Quality("adequate", scorer=scorer)
    found = assess(adequate.find(quality, tools), [(PROMPT, text) for text in texts], quality)
    assert found.valid == [True, False, False, False]


def test_the_weights_are_small() -> None:
    """They are part of every installation."""
    assert adequate.FITTED.stat().st_size < 10_000
