"""What looking at a model in training costs: seconds a step without and with a DiversityCallback.

    python -m benchmarks.callback [--steps 12] [--every 4] [--prompts 8] [--samples 8] [--tokens 64]

SmolLM2-135M-Instruct is fine-tuned as in `example_project/training` (LoRA, r = 8, on attention, in
batches of four), on one core. The looks draw so many samples of so many prompts of both built-in
domains, and judge three families of each. Processor seconds, so that what else the machine does
takes no part; the share at other `every` follows from the seconds of a step and of a look.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
import transformers
from transformers import Trainer, TrainerCallback, TrainingArguments

from example_project.training.common import Recipe, answer_ids, base, prompt_ids, tokenizer
from pytest_diversity.prompts import load_prompts
from pytest_diversity.training import DiversityCallback

EVERY = (10, 20, 50, 100, 200, 500)
RECIPE = Recipe("benchmark", steps=0, learning_rate=1e-4, batch=4, first_layer=0)
CONFIGURATION = """
[checkpoints]
base = "{base}"
[defaults]
reference = "base"
max_prompts = {prompts}
samples_per_prompt = {samples}
max_tokens = {tokens}
device = "cpu"
dtype = "float32"
"""
BUDGETS = """
[domains.{domain}.budget]
lexical = {{ max_drop = "20%" }}
syntactic = {{ max_drop = "20%" }}
quality = {{ min = 0.0 }}
"""
DOMAINS = ("code", "creative_writing")


class Clock(TrainerCallback):
    """Processor seconds of each step, from its begin to its end, before others look at it."""

    def __init__(self) -> None:
        """Nothing was measured yet."""
        self.seconds: list[float] = []

    def on_step_begin(self, *_: Any, **__: Any) -> None:
        """A step begins."""
        self._began = time.process_time()

    def on_step_end(self, *_: Any, **__: Any) -> None:
        """A step is done."""
        self.seconds.append(time.process_time() - self._began)


class Timed(DiversityCallback):
    """Processor seconds of each look."""

    def __init__(self, *given: Any, **rest: Any) -> None:
        """Nothing was measured yet."""
        super().__init__(*given, **rest)
        self.looks: list[float] = []

    def on_step_end(self, *given: Any, **rest: Any) -> None:
        """Look at the model every so many steps."""
        began, before = time.process_time(), len(self.verdicts)
        super().on_step_end(*given, **rest)
        if len(self.verdicts) > before:
            self.looks.append(time.process_time() - began)


def configuration(folder: Path, given: argparse.Namespace) -> Path:
    """The `diversity.toml` of the looks."""
    file = folder / "diversity.toml"
    head = CONFIGURATION.format(
        base=base(), prompts=given.prompts, samples=given.samples, tokens=given.tokens
    )
    file.write_text(head + "".join(BUDGETS.format(domain=one) for one in DOMAINS), encoding="utf-8")
    return file


def train(folder: Path, steps: int, *callbacks: TrainerCallback) -> Sequence[float]:
    """Processor seconds of every step but the first, which warms up."""
    transformers.set_seed(0)
    from peft import get_peft_model  # noqa: PLC0415 - slow to load

    model = transformers.AutoModelForCausalLM.from_pretrained(base())
    clock, prompts = Clock(), load_prompts("builtin:creative-writing", folder)
    rows = [
        [*prompt_ids(one.prompt), *answer_ids(one.prompt * 20, ended=True)][:128]
        for one in prompts.values()
    ]
    data = [{"input_ids": row, "labels": row} for row in rows]
    settings = {**RECIPE.settings(folder / "runs"), "max_steps": steps}
    trainer = Trainer(
        get_peft_model(model, RECIPE.lora()),
        TrainingArguments(**settings),
        train_dataset=data,
        processing_class=tokenizer(),
        callbacks=[clock, *callbacks],
    )
    trainer.train()
    return clock.seconds[1:]


def report(step: float, beside: float, looks: Sequence[float], drawn: int) -> Iterator[str]:
    """The table."""
    look = statistics.median(looks)
    yield f"a step without: {step:.2f} s; with a callback, between looks: {beside:.2f} s"
    yield f"a look of {drawn} samples: {look:.1f} s, as long as {look / step:.1f} steps"
    yield "| every | share of the time |"
    yield "| --- | --- |"
    for every in EVERY:
        yield f"| {every} | {look / (look + every * step):.1%} |"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name, value in (
        ("steps", 12),
        ("every", 4),
        ("prompts", 8),
        ("samples", 8),
        ("tokens", 64),
    ):
        parser.add_argument(f"--{name}", type=int, default=value)
    given = parser.parse_args()
    torch.set_num_threads(1)
    with TemporaryDirectory() as name:
        folder = Path(name)
        step = statistics.median(train(folder, given.steps))
        callback = Timed(configuration(folder, given), every=given.every)
        beside = statistics.median(train(folder, given.steps, callback))
        drawn = len(DOMAINS) * given.prompts * given.samples
        for line in report(
            step, beside, callback.looks[1:], drawn
        ):  # the first draws the reference
            print(line)


if __name__ == "__main__":
    main()
