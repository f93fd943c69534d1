"""What `benchmarks/sampling.py` has drawn, and the clock it is measured by."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, NamedTuple

import torch

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


class Job(NamedTuple):
    """What is drawn: `prompts` x `samples` texts of at most `tokens`."""

    prompts: int
    samples: int
    tokens: int
    top_p: float

    def __str__(self) -> str:
        """As a row of the table begins."""
        return f"{self.prompts} x {self.samples:<3} {self.tokens:>4} tokens  top_p {self.top_p:<5}"


Draw = Callable[[Job], tuple[int, float]]  # tokens and CPU seconds


class Clock(NamedTuple):
    """CPU seconds of this process with one thread of a CPU; else of the wall, for others wait."""

    device: str
    threads: int

    @property
    def unit(self) -> str:
        """What it counts."""
        return "CPU second" if self.device == "cpu" and self.threads == 1 else "second"

    def now(self) -> float:
        """The time, once all that was begun is done."""
        if self.device.startswith("cuda"):
            torch.cuda.synchronize(self.device)
        return time.process_time() if self.unit == "CPU second" else time.perf_counter()


def timed(draw: Callable[[Job], int], clock: Clock) -> Draw:
    """`draw` with the seconds it took."""

    def run(job: Job) -> tuple[int, float]:
        started = clock.now()
        tokens = draw(job)
        return tokens, clock.now() - started

    return run


def rendered(tokenizer: Any, count: int) -> list[str]:
    """The first prompts as the model reads them."""
    return [
        tokenizer.apply_chat_template(
            [{"role": "user", "content": text}], tokenize=False, add_generation_prompt=True
        )
        for text in PROMPTS[:count]
    ]
