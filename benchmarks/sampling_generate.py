"""The ways in which transformers draws many texts, peers of `benchmarks/sampling.py`."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from copy import deepcopy
from itertools import cycle, islice
from typing import Any

from transformers import ContinuousBatchingConfig

from benchmarks.sampling_jobs import Clock, Draw, Job, rendered, timed

ALONE = 4  # texts drawn one at a time, which would take hours for all of a job
COLUMNS = f"""one text: `generate` for one text at a time, {ALONE} texts in place of all
n texts: `generate` prompt by prompt, its samples as num_return_sequences
padded: `generate` for all prompts in one left-padded batch, samples likewise
continuous: continuous batching of transformers (`generate_batch`), samples likewise"""
PAGE = 32  # tokens stored together; on a CPU the fastest of 16, 32, 64 and 256

Batches = Iterable[tuple[list[str], int]]  # the prompts of each call, and samples of each prompt


def one_text(texts: list[str], _: Job) -> Batches:
    """A call for each text, of a few; prompts take turns."""
    return [([text], 1) for text in islice(cycle(texts), ALONE)]


def per_prompt(texts: list[str], job: Job) -> Batches:
    """A call for each prompt."""
    return [([text], job.samples) for text in texts]


def padded(texts: list[str], job: Job) -> Batches:
    """One call."""
    return [(texts, job.samples)]


def generate(
    model: Any, tokenizer: Any, clock: Clock, batches: Callable[[list[str], Job], Batches]
) -> Draw:
    """`generate` of transformers as it comes."""

    def run(texts: list[str], samples: int, job: Job) -> int:
        inputs = tokenizer(
            texts, add_special_tokens=False, padding=True, padding_side="left", return_tensors="pt"
        ).to(model.device)
        output = model.generate(
            **inputs, **generation(tokenizer, job), num_return_sequences=samples
        )
        new = output[:, inputs["input_ids"].shape[1] :]
        return int((new != tokenizer.eos_token_id).sum())

    def draw(job: Job) -> int:
        texts = rendered(tokenizer, job.prompts)
        return sum(run(prompts, samples, job) for prompts, samples in batches(texts, job))

    return timed(draw, clock)


def continuous(model: Any, tokenizer: Any, clock: Clock) -> Draw:
    """Continuous batching of transformers, with room for twice the rows: else it waits."""

    def draw(job: Job) -> int:
        prompts = tokenizer(rendered(tokenizer, job.prompts), add_special_tokens=False)["input_ids"]
        rows = len(prompts) * job.samples
        longest = max(map(len, prompts)) + job.tokens
        settings = deepcopy(model.generation_config)
        settings.update(**generation(tokenizer, job), num_return_sequences=job.samples)
        answers = model.generate_batch(
            prompts,
            generation_config=settings,
            continuous_batching_config=ContinuousBatchingConfig(
                page_size=PAGE,
                num_blocks=2 * rows * -(-longest // PAGE),
                max_batch_tokens=max(512, rows),
            ),
            warmup=False,  # it records CUDA graphs
        ).values()
        errors = {answer.error for answer in answers if answer.error}
        if errors or len(answers) < rows:
            message = "; ".join(sorted(errors)) or f"{len(answers)} of {rows} texts came back"
            raise RuntimeError(message)
        drawn = [token for answer in answers for token in answer.generated_tokens]
        return len(drawn) - drawn.count(tokenizer.eos_token_id)

    return timed(draw, clock)


def generation(tokenizer: Any, job: Job) -> dict[str, Any]:
    """What transformers is told to draw."""
    return {
        "do_sample": True,
        "top_k": 0,
        "top_p": job.top_p,
        "max_new_tokens": job.tokens,
        "pad_token_id": tokenizer.eos_token_id,
    }
