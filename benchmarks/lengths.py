"""What judging changes at equal token counts costs and gains, on real programs, through `judge`.

    python -m benchmarks.lengths [--repetitions 2000] [--data FILE]

As `benchmarks.statistics`, but each pair of sets of samples is measured as written, in windows of
equal length, and rarefied to each other. Nothing has changed between the two; half of the second
are copies of one sample; or the reference's are cut to 60 % of their tokens and nodes, so that only
the length has changed.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.recorded import DATA, METRICS, Floats
from benchmarks.statistics import ANY_DROP, World, judged, percent
from pytest_diversity.config.values import Domain
from pytest_diversity.domains.build import features_of
from pytest_diversity.estimate import estimate
from pytest_diversity.features import Features
from pytest_diversity.features.windows import controlled
from pytest_diversity.metrics import Tree
from pytest_diversity.samples import SampleSet

FAMILIES = ("lexical", "syntactic")
PROMPTS = (10, 30, 80)
DRAWS = 10  # disjoint pairs of sets of samples, per prompt
CUT = 0.6
CONTROLS = ("off", "windows", "rarefy")

Sides = tuple[Features, Features]
Parts = Mapping[str, Mapping[str, Any]]


def picked(parts: Parts, chosen: Mapping[str, Sequence[int]], share: float = 1.0) -> Features:
    """The features of some samples of each prompt, each cut to a share of itself."""
    texts = {name: [str(index) for index in rows] for name, rows in chosen.items()}
    given = {
        "tokens": {p: [_first(parts["tokens"][p][i], share) for i in r] for p, r in chosen.items()},
        "trees": {p: [_top(parts["trees"][p][i], share) for i in r] for p, r in chosen.items()},
    }
    return features_of(SampleSet.of(texts), Domain("code", kind="code"), given=given)


def _first(tokens: Sequence[str], share: float) -> Sequence[str]:
    return tokens[: round(share * len(tokens))]


def _top(tree: Tree | None, share: float) -> Tree | None:
    """The first nodes of a tree in pre-order, which are a tree, too."""
    if tree is None or share == 1:
        return tree
    size = max(1, round(share * len(tree.kinds)))
    return Tree(tree.kinds[:size], tree.parents[:size])


def same(parts: Parts, orders: Mapping[str, Sequence[int]], size: int) -> Sides:
    """Two disjoint sets of samples of each prompt."""
    before = {name: order[:size] for name, order in orders.items()}
    after = {name: order[size : 2 * size] for name, order in orders.items()}
    return picked(parts, before), picked(parts, after)


def copies(parts: Parts, orders: Mapping[str, Sequence[int]], size: int) -> Sides:
    """Half of the second set are copies of one of its samples."""
    before = {name: order[:size] for name, order in orders.items()}
    kept = size - size // 2
    after = {
        name: [*order[size : size + kept], *[order[size]] * (size // 2)]
        for name, order in orders.items()
    }
    return picked(parts, before), picked(parts, after)


def longer(parts: Parts, orders: Mapping[str, Sequence[int]], size: int) -> Sides:
    """The first set is cut: the second is longer, and nothing else."""
    before = {name: order[:size] for name, order in orders.items()}
    after = {name: order[size : 2 * size] for name, order in orders.items()}
    return picked(parts, before, CUT), picked(parts, after)


CASES: Mapping[str, Callable[[Parts, Mapping[str, Sequence[int]], int], Sides]] = {
    "nothing changed": same,
    "half are copies": copies,
    "longer alone": longer,
}


def worlds(parts: Parts, case: str, size: int) -> Mapping[tuple[str, str], World]:
    """By family and control of lengths: the values of every prompt for many draws of samples."""
    rng = np.random.default_rng(size)
    sides: dict[tuple[str, str], list[tuple[list[float], list[float]]]] = {}
    for _ in range(DRAWS):
        orders = {name: rng.permutation(len(group)) for name, group in parts["tokens"].items()}
        old, new = CASES[case](parts, {name: o.tolist() for name, o in orders.items()}, size)
        for family in FAMILIES:
            for control in CONTROLS:
                values = _values(family, control, old, new), _values(family, control, new, old)
                sides.setdefault((family, control), []).append(values)
    return {
        key: World(
            _matrix(pairs, 0),
            _matrix(pairs, 1),
            np.random.default_rng(7),
            same=case == "nothing changed",
        )
        for key, pairs in sides.items()
    }


def _values(family: str, control: str, own: Features, other: Features) -> list[float]:
    metric = METRICS[family]
    features = own if control == "off" else controlled(own, metric, control, other)
    found = estimate(features, metric).per_prompt
    return [found.get(prompt, np.nan) for prompt in own.samples]


def _matrix(pairs: Sequence[tuple[list[float], list[float]]], side: int) -> Floats:
    matrix: Floats = np.array([pair[side] for pair in pairs], dtype=np.float64).T
    return matrix


def report(parts: Parts, sizes: Sequence[int], repetitions: int) -> Iterator[str]:
    """How often a gate on any drop fails, in percent."""
    yield f"| any drop fails | family | n x K | {' | '.join(CONTROLS)} |"
    yield "| --- " * (3 + len(CONTROLS)) + "|"
    for case in CASES:
        for size in sizes:
            found = worlds(parts, case, size)
            for family in FAMILIES:
                for prompts in PROMPTS:
                    rates = [
                        percent(
                            [
                                judged(world.draw(prompts), family, size, ANY_DROP).status == "fail"
                                for _ in range(repetitions)
                            ]
                        )
                        for world in (found[family, control] for control in CONTROLS)
                    ]
                    shown = " | ".join(f"{rate:.1f}" for rate in rates)
                    yield f"| {case} | {family} | {prompts} x {size} | {shown} |"


def load(data: Path) -> Parts:
    """The tokens and trees of all programs."""
    rows = [json.loads(line) for line in data.read_text(encoding="utf-8").splitlines()]
    texts = {one["task_id"]: [one["prompt"] + s for s in one["samples"]] for one in rows}
    features = features_of(SampleSet.of(texts), Domain("code", kind="code"))
    return {name: features[name] for name in ("tokens", "trees")}


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--repetitions", type=int, default=2000)
    parser.add_argument("--samples", type=int, nargs="+", default=[8])
    given = parser.parse_args()
    began = time.perf_counter()
    for line in report(load(given.data), given.samples, given.repetitions):
        print(line, flush=True)
    print(f"\n{time.perf_counter() - began:.0f} s")


if __name__ == "__main__":
    main()
