"""A million samples written to the store and read back, beside the same in a file of JSON lines.

    python -m benchmarks.store [--samples 1000000]

Samples are written prompt by prompt, 32 at a time, as an engine gives them. The peer, a plain file
of JSON lines, keeps no keys: it cannot tell what is missing, nor survive two writers.
"""

from __future__ import annotations

import argparse
import json
import resource
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

from pytest_diversity.store.sqlite import Drawn, Store

_EACH = 32  # samples of a prompt
_TEXT = "The quick brown fox jumps over the lazy dog. " * 10


def groups(samples: int) -> Iterator[tuple[str, list[Drawn]]]:
    """Keys with their samples, made as they are written."""
    for draw in range(samples // _EACH):
        rows = [Drawn(i, f"{draw} {i} {_TEXT}", "stop", 100, -123.4) for i in range(_EACH)]
        yield f"{draw:064x}", rows


def write_store(path: Path, samples: int) -> int:
    """Every sample, with its key."""
    with closing(Store(path)) as store:
        for key, rows in groups(samples):
            store.add(key, '{"prompt": "..."}', rows)
    return samples


def read_store(path: Path, samples: int) -> int:
    """Every sample by its key."""
    with closing(Store(path)) as store:
        return sum(len(store.samples(f"{draw:064x}")) for draw in range(samples // _EACH))


def write_lines(path: Path, samples: int) -> int:
    """The peer: one line a sample."""
    with path.open("w", encoding="utf-8") as file:
        for key, rows in groups(samples):
            for row in rows:
                file.write(json.dumps([key, *row]) + "\n")
            file.flush()
    return samples


def read_lines(path: Path, _: int) -> int:
    """The peer, from its start to its end."""
    with path.open(encoding="utf-8") as file:
        return sum(len(json.loads(line)) == len(Drawn._fields) + 1 for line in file)


def measure(name: str, action: Callable[[Path, int], int], path: Path, samples: int) -> float:
    """Print a row; samples a second."""
    started = time.perf_counter()
    done = action(path, samples)
    rate = done / (time.perf_counter() - started)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{name:<24}{done:>12,} samples{rate:>12,.0f}/s   {memory:6.0f} MB at most so far")
    return rate


def main() -> None:
    """Print the table and the ratios."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--samples", type=int, default=1_000_000)
    samples = parser.parse_args().samples // _EACH * _EACH
    with tempfile.TemporaryDirectory(dir=".") as folder:
        store, lines = Path(folder, "samples.sqlite"), Path(folder, "samples.jsonl")
        ours = measure("store, written", write_store, store, samples)
        again = measure("store, read by key", read_store, store, samples)
        peer = measure("JSON lines, written", write_lines, lines, samples)
        back = measure("JSON lines, read", read_lines, lines, samples)
        size = store.stat().st_size / lines.stat().st_size
    print(f"ours / peer: written {ours / peer:.2f}x, read {again / back:.2f}x, size {size:.2f}x")


if __name__ == "__main__":
    main()
