"""What the engine draws is distributed as transformers' own processors say, setting by setting."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from scipy import stats
from transformers import AutoModelForCausalLM, AutoTokenizer
from transformers.generation.logits_process import (
    LogitsProcessorList,
    MinPLogitsWarper,
    RepetitionPenaltyLogitsProcessor,
    TemperatureLogitsWarper,
    TopKLogitsWarper,
    TopPLogitsWarper,
)

from pytest_diversity.config.values import Generation
from pytest_diversity.sampling.engines.transformers.choose import choose
from pytest_diversity.sampling.engines.transformers.decode import Row, decode
from pytest_diversity.sampling.engines.transformers.internals import is_supported
from pytest_diversity.sampling.engines.transformers.noise import gumbel, sample_key

DRAWS = 20_000
SETTINGS = {
    "the model's own distribution": Generation(),
    "a low temperature": Generation(temperature=0.4),
    "a high temperature": Generation(temperature=1.7),
    "nucleus": Generation(top_p=0.8),
    "a nucleus of nearly all": Generation(top_p=0.999),
    "top k": Generation(top_k=20),
    "top k above what has noise of its own": Generation(top_k=300),
    "min p": Generation(min_p=0.05),
    "top k and nucleus": Generation(top_k=50, top_p=0.7),
    "nucleus and min p": Generation(top_p=0.9, min_p=0.02, temperature=0.8),
}
_DRAWN = ("temperature", "top_k", "top_p", "min_p", "repetition_penalty")
PROCESSORS: dict[str, Callable[[Any], Any]] = {
    "temperature": TemperatureLogitsWarper,
    "top_k": TopKLogitsWarper,
    "top_p": TopPLogitsWarper,
    "min_p": MinPLogitsWarper,
}


@pytest.fixture(
    scope="module",
    params=[
        pytest.param(512, id="vocabulary of 512"),
        pytest.param(320, id="vocabulary of 320", marks=pytest.mark.long),
    ],
)
def logits(request: pytest.FixtureRequest) -> torch.Tensor:
    """Logits with a long tail, as language models have."""
    generator = torch.Generator().manual_seed(request.param)
    ranks = torch.arange(1, request.param + 1, dtype=torch.float32)
    order = torch.randperm(request.param, generator=generator)
    return (-1.1 * ranks.log())[order][None]


def _expected(logits: torch.Tensor, generation: Generation) -> np.ndarray[Any, Any]:
    """The probabilities that transformers' processors leave, in its own order."""
    neutral = {"temperature": 1.0, "top_k": 0, "top_p": 1.0, "min_p": 0.0}
    chain = LogitsProcessorList(
        [
            make(getattr(generation, name))
            for name, make in PROCESSORS.items()
            if getattr(generation, name) != neutral[name]
        ]
    )
    ids: Any = torch.zeros(1, 1, dtype=torch.long)
    scores: Any = logits.clone()
    return np.asarray(chain(ids, scores).softmax(-1)[0].double())


def _p_value(counts: np.ndarray[Any, Any], expected: np.ndarray[Any, Any]) -> float:
    """Chi-square of counts against probabilities, tokens taken together until five are expected."""
    order = np.argsort(-expected, kind="stable")
    bins, mass, number = np.zeros(len(order), dtype=int), 0.0, 0
    for place, wanted in enumerate(expected[order] * counts.sum()):
        bins[place] = number
        mass += wanted
        if mass >= 5:
            mass, number = 0.0, number + 1
    bins = np.minimum(bins, number - 1)  # what is left over goes into the last one
    assert number > 1
    observed = np.bincount(bins, counts[order])
    together = np.bincount(bins, expected[order])
    return float(stats.chisquare(observed, together / together.sum() * observed.sum()).pvalue)


@pytest.mark.parametrize("name", SETTINGS)
def test_next_tokens_are_distributed_as_in_transformers(logits: torch.Tensor, name: str) -> None:
    """Chi-square over 20,000 keyed draws; a token that is filtered out is never drawn."""
    keys = torch.tensor([[sample_key(0, name, number)] for number in range(DRAWS)])
    drawn = choose(logits.expand(DRAWS, -1), keys, 3, SETTINGS[name]).tokens
    counts = np.bincount(np.asarray(drawn), minlength=logits.shape[1])
    expected = _expected(logits, SETTINGS[name])
    assert counts[expected == 0].sum() == 0
    assert _p_value(counts, expected) > 1e-4


def test_the_noise_is_gumbel_and_independent() -> None:
    """Kolmogorov-Smirnov against Gumbel; neighbours in key, position and token do not correlate."""
    keys = torch.tensor([[sample_key(0, "p", number)] for number in range(500)])
    tokens = torch.arange(200)[None]
    noise = np.asarray(gumbel(keys, 0, tokens))
    assert stats.kstest(noise.ravel(), stats.gumbel_r.cdf).pvalue > 1e-4
    later = np.asarray(gumbel(keys, 1, tokens))
    for left, right in (
        (noise[:, :-1], noise[:, 1:]),
        (noise[:-1], noise[1:]),
        (noise, later),
    ):
        assert abs(np.corrcoef(left.ravel(), right.ravel())[0, 1]) < 0.015


@pytest.mark.long
def test_the_noise_is_always_finite() -> None:
    """The largest bits round to no infinity, which would draw a token that is filtered out."""
    keys = torch.arange(4096)[:, None]
    assert torch.isfinite(gumbel(keys, 0, torch.arange(8192)[None])).all()


def test_greedy_with_repetition_penalty_is_that_of_generate(tiny: Path) -> None:
    """The penalty sees the prompt and what was drawn, as transformers' processor does."""
    model: Any = AutoModelForCausalLM.from_pretrained(tiny, dtype=torch.float32)
    assert is_supported(model)
    prompt = (5, 9, 30, 31, 5)
    settings = Generation(temperature=0.0, repetition_penalty=1.5, max_tokens=12)
    [done] = decode(model, [Row(prompt, 1)], settings, ends=lambda _: False, on_step=lambda _: None)
    processor = RepetitionPenaltyLogitsProcessor(1.5)
    ids = torch.tensor([prompt])
    for _ in range(12):
        scores: Any = processor(ids, model(ids).logits[:, -1].detach())
        ids = torch.cat([ids, scores.argmax(-1, keepdim=True)], dim=1)
    assert done.row.tokens == ids[0, len(prompt) :].tolist()


def test_the_logprob_is_the_models_own(tiny: Path) -> None:
    """The sum over a text of log p(token | before), whatever the temperature it was drawn at."""
    model: Any = AutoModelForCausalLM.from_pretrained(tiny, dtype=torch.float32)
    prompts = [(5, 9, 30), (7, 8, 40, 41, 42, 43)]
    rows = [Row(prompt, key) for key, prompt in enumerate(prompts)]
    settings = Generation(temperature=0.6, max_tokens=9)
    for done in decode(model, rows, settings, ends=lambda _: False, on_step=lambda _: None):
        text = torch.tensor([[*done.row.prompt, *done.row.tokens]])
        logs = model(text).logits.detach().float().log_softmax(-1)[0, len(done.row.prompt) - 1 : -1]
        expected = logs.gather(1, torch.tensor(done.row.tokens)[:, None]).sum()
        assert done.row.logprob == pytest.approx(float(expected), abs=1e-3)


REAL = SETTINGS | {
    "repetition penalty": Generation(repetition_penalty=1.4),
    "all of them": Generation(
        temperature=1.2, top_k=400, top_p=0.95, min_p=0.001, repetition_penalty=1.1
    ),
}


@pytest.fixture(scope="module")
def real(smollm2: Path) -> tuple[Any, tuple[int, ...]]:
    """SmolLM2 and the tokens of a prompt whose next token is wide open."""
    tokenizer = AutoTokenizer.from_pretrained(smollm2)
    prompt = tokenizer("My favourite thing in the whole world is the")["input_ids"]
    return AutoModelForCausalLM.from_pretrained(smollm2, dtype=torch.float32), tuple(prompt)


@pytest.mark.long
@pytest.mark.parametrize("name", REAL)
def test_a_real_models_next_tokens_are_distributed_as_in_generate(
    real: tuple[Any, tuple[int, ...]], name: str
) -> None:
    """Chi-square over 1,000 draws of SmolLM2's next token against the scores of `generate`."""
    model, prompt = real
    settings = REAL[name]
    rows = [Row(prompt, sample_key(0, name, number)) for number in range(1000)]
    one = replace(settings, max_tokens=1)
    counts = np.zeros(model.config.vocab_size)
    for start in range(0, len(rows), 500):  # 500 rows of logits are 100 MB
        batch = rows[start : start + 500]
        for done in decode(model, batch, one, ends=lambda _: False, on_step=lambda _: None):
            counts[done.row.tokens[0]] += 1
    output = model.generate(
        torch.tensor([prompt]),
        attention_mask=torch.ones(1, len(prompt), dtype=torch.long),
        do_sample=True,
        max_new_tokens=1,
        return_dict_in_generate=True,
        output_scores=True,
        **{name: value for name, value in asdict(settings).items() if name in _DRAWN},
    )
    expected = np.asarray(output.scores[0][0].double().softmax(-1))
    assert counts[expected == 0].sum() == 0
    assert _p_value(counts, expected) > 1e-4
