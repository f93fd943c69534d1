"""Speed and memory of the metrics beside their peers: `make bench-metrics`.

One run, the same inputs, one process: every line prints ours, the peer's, the ratio and the ratio
that is wanted. Peers (extra `bench-metrics`) that are missing are named as such. DATA is a JSON
Lines file with `prompt` and `samples`; without it the profile of programs is left out.
"""

from __future__ import annotations

import json
import math
import subprocess
import sys
import time
from argparse import ArgumentParser
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.metrics_peers import (
    COMPARISONS,
    WORDS,
    fast_bleu,
    peer,
    seconds,
    strings,
    texts,
    versions,
)
from pytest_diversity import metrics as m
from pytest_diversity.config.values import Domain
from pytest_diversity.domains.build import features_of
from pytest_diversity.estimate import estimate
from pytest_diversity.features import Features
from pytest_diversity.features.parts_of_speech import parts_of_speech
from pytest_diversity.samples import SampleSet

DATA = Path(__file__).parents[2] / "shared/data/humaneval_codegen16b_even.jsonl"
# Up to how many texts: one compares all pairs word by word, the other solves for eigenvalues.
_SLOW = {"homogenization": 8_000, "conditional_vendi": 2_000}
SIZES = (500, 1_000, 2_000, 4_000, 8_000)
LEXICAL = (
    *(f"distinct(n={n})" for n in (1, 2, 3, 4)),
    *("pair_distinct", "ead", "self_bleu", "self_repetition", "jaccard", "homogenization"),
    *("compression_ratio", "hdd"),
)
SYNTACTIC = ("pair_subtree", "subtree", "format_dominance")


def programs(data: Path) -> SampleSet:
    """82 prompts with 100 programs each."""
    rows = [json.loads(text) for text in data.read_text().splitlines()]
    return SampleSet.of(
        {row["task_id"]: [row["prompt"] + text for text in row["samples"]] for row in rows}
    )


def profile(data: Path) -> tuple[float, float]:
    """Seconds for tokenising and parsing alone, and for the whole lexical and syntactic profile."""
    samples = programs(data)
    alone = seconds(lambda: _parsed(samples))

    def whole() -> None:
        features = _parsed(samples)
        for name in (*LEXICAL, *SYNTACTIC):
            estimate(features, m.parse(name))

    return alone, seconds(whole)


def _parsed(samples: SampleSet) -> Features:
    features = features_of(samples, Domain("code", kind="code"))
    for name in ("tokens", "trees"):
        features[name]
    return features


def growing(name: str, count: int) -> Callable[[], object]:
    """The call of a metric on so many samples of one prompt."""
    metric = m.parse(name)
    known = _inputs()
    given = {feature: known[feature][:count] for feature in metric.definition.features}
    given |= {"billions": 1.0} if "billions" in given else {}
    return lambda: metric(**given)


@cache
def _inputs() -> Mapping[str, Any]:
    """Every feature that a metric reads, of as many samples as the table ends with."""
    most = SIZES[-1]
    rng = np.random.default_rng(0)
    labels = rng.zipf(1.5, most).tolist()
    valid = (rng.random(most) < 0.8).tolist()
    return {
        **dict.fromkeys(("tokens", "tags"), texts(most)),
        **dict.fromkeys(("labels", "formats"), labels),
        "utilities": rng.integers(1, 11, most).tolist(),
        **dict.fromkeys(("valid", "correct"), valid),
        "texts": strings(most),
        "trees": _trees(most),
        **dict.fromkeys(("embeddings", "other_embeddings"), rng.normal(size=(most, 384))),
        "prompt_embeddings": rng.normal(size=(most, 384)),
        "surprises": rng.random((most, 2)),
        "billions": (),
    }


def _trees(count: int) -> list[m.Tree]:
    """Random trees of 60 nodes of 20 kinds."""
    rng = np.random.default_rng(0)
    nodes = 60
    parents = (rng.random((count, nodes)) * np.arange(nodes)).astype(int)
    kinds = rng.integers(0, 20, size=(count, nodes)).astype(str)
    parents.sort(axis=1)
    parents[:, 0] = -1
    return [_preorder(k, p) for k, p in zip(kinds.tolist(), parents.tolist(), strict=True)]


def _preorder(kinds: list[str], parents: list[int]) -> m.Tree:
    below: list[list[int]] = [[] for _ in kinds]
    for node, parent in enumerate(parents[1:], start=1):
        below[parent].append(node)
    order, places, stack = list[int](), list[int](), [(0, -1)]
    while stack:
        node, place = stack.pop()
        order.append(node)
        places.append(place)
        stack.extend((child, len(order) - 1) for child in below[node])
    return m.Tree([kinds[node] for node in order], places)


def growth() -> None:
    """CPU seconds by number of texts, and the exponent from the smallest to the largest.

    CPU time, since what else a machine does would change from one size to the next.
    """
    print(
        f"\n{'CPU seconds at':<24}" + "".join(f"{size:>10,}" for size in SIZES) + "   grows as N^"
    )
    for name in sorted(m.definitions()):
        times = 1 if name in _SLOW else 5
        sizes = [size for size in SIZES if size <= _SLOW.get(name, SIZES[-1])]
        spent = [seconds(growing(name, size), times, time.process_time) for size in sizes]
        exponent = math.log(spent[-1] / spent[0]) / math.log(sizes[-1] / sizes[0])
        cells = [f"{one:10.4f}" for one in spent] + [f"{'-':>10}"] * (len(SIZES) - len(sizes))
        print(f"{name:<24}" + "".join(cells) + f"{exponent:12.2f}", flush=True)
    parts_of_speech(("a",))  # its model is loaded once
    tagged = seconds(lambda: [parts_of_speech(text) for text in texts(500)], 1)
    print(f"tagging parts of speech: {500 * WORDS / tagged:,.0f} tokens/s")


def memory(task: str, data: Path) -> float | None:
    """Megabytes that a task adds to the peak of a process of its own."""
    command = [
        sys.executable,
        "-W",
        "ignore",
        "-m",
        "benchmarks.metrics",
        str(data),
        "--peak",
        task,
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - ours
    return float(done.stdout) if done.returncode == 0 else None


def peak(task: str, data: Path) -> None:
    """Run a task and print by how much it raised the peak."""
    found = texts(2_000) if task != "profile" else []
    before = _peak()
    tasks: Mapping[str, Callable[[], object]] = {
        "ours": lambda: m.self_bleu(found),
        "fast-bleu": lambda: fast_bleu(found),
        "profile": lambda: profile(data),
    }
    tasks[task]()
    print(_peak() - before)


def _peak() -> float:
    """The highest memory of this process, in MB; rusage would start from that of its parent."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


def report(data: Path) -> Iterator[str]:
    """The lines that are not a comparison of seconds."""
    ours = memory("ours", data)
    theirs = memory("fast-bleu", data) if peer("fast_bleu") else None
    yield f"self_bleu, 2,000 texts, memory     {_megabytes(ours)}, fast-bleu {_megabytes(theirs)}"
    if not data.exists():
        yield f"the profile of programs needs {data}"
        return
    alone, whole = profile(data)
    yield f"profile of 82 x 100 programs       {whole:.2f} s, tokens and trees alone {alone:.2f} s"
    yield f"                                   {whole / alone:.2f} times as long, wanted <= 2"
    yield f"                                   {_megabytes(memory('profile', data))}, wanted < 500"


def _megabytes(amount: float | None) -> str:
    return "unknown" if amount is None else f"{amount:.0f} MB"


def main() -> None:
    """Print everything."""
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("data", nargs="?", type=Path, default=DATA)
    parser.add_argument("--peak", help="for the benchmark's own use")
    parser.add_argument("--no-growth", action="store_true", help="leave out the table of growth")
    options = parser.parse_args()
    if options.peak:
        peak(options.peak, options.data)
        return
    print(versions())
    for comparison in COMPARISONS:
        comparison()
    for text in report(options.data):
        print(text)
    if not options.no_growth:
        growth()


if __name__ == "__main__":
    main()
