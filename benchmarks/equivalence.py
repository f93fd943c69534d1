"""How well the ways to tell meanings apart agree with labels, beside the plain threshold.

    python -m benchmarks.equivalence --partitions FILE.jsonl.gz --pairs FOLDER

FILE has a line a prompt: `prompt`, `generations` and their `partition`, as NoveltyBench publishes
them. FOLDER has `STAGE.jsonl.gz` with `prompt` (an id), `index` and `text`, and
`prompts_*.jsonl.gz` with `id` and `prompt`: what benchmarks/labels/equivalence.jsonl labels.
Neither is part of this repository.

AUC is of single pairs, and agreement and kappa are of the classes that a whole group falls into.
"""

from __future__ import annotations

import argparse
import gzip
import json
from collections.abc import Iterable, Iterator, Sequence
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from pytest_diversity import metrics
from pytest_diversity.features.embeddings import shared_embedder
from pytest_diversity.features.tokens import words
from pytest_diversity.judges.equivalence import Answers, Equivalence, find

_LABELS = Path(__file__).parent / "labels" / "equivalence.jsonl"
_WAYS = (("embedding", None), ("similarity", None), ("normalised", None))

Pairs = Sequence[tuple[int, int, bool]]
Group = tuple[Answers, Pairs]


def answers(prompt: str, texts: Sequence[str]) -> Answers:
    """With the distances of their embeddings."""
    distances = metrics.cosine_distances(shared_embedder(None, Path())(texts))
    return Answers(prompt, words(prompt), texts, list(map(words, texts)), lambda: distances)


def partitions(path: Path) -> Iterator[Group]:
    """Every pair of a prompt's answers, with whether a partition puts them together."""
    for row in _rows(path):
        texts, parts = row["generations"], row["partition"]
        pairs = [(i, j, parts[i] == parts[j]) for i, j in combinations(range(len(texts)), 2)]
        yield answers(row["prompt"], texts), pairs


def labelled(folder: Path) -> Iterator[Group]:
    """The pairs that were read here, each among the other answers of its prompt and stage."""
    prompts = {r["id"]: r["prompt"] for p in folder.glob("prompts_*") for r in _rows(p)}
    texts: dict[tuple[str, str], dict[int, str]] = {}
    for path in folder.glob("*.jsonl.gz"):
        if not path.name.startswith("prompts_"):
            for row in _rows(path):
                known = texts.setdefault((path.name.partition(".")[0], row["prompt"]), {})
                known[row["index"]] = row["text"]
    for line in _LABELS.read_text().splitlines():
        label = json.loads(line)
        group = texts[label["stage"], label["prompt"]]
        said = answers(prompts[label["prompt"]], [group[i] for i in sorted(group)])
        yield said, [(*label["index"], label["same"])]


def report(name: str, groups: Sequence[Group]) -> None:
    """A line for each way."""
    same = np.array([label for _, pairs in groups for *_, label in pairs])
    print(f"{name}: {len(groups)} prompts, {len(same)} pairs, {same.mean():.2f} the same")
    for chosen in _WAYS:
        way = find(*chosen)
        near, together = map(np.array, zip(*_judged(way, groups), strict=True))
        print(
            f"  {way!s:34} AUC {auc(same, near):.3f}  agreement {(together == same).mean():.3f}  "
            f"kappa {kappa(same, together):.3f}  called the same {together.mean():.2f}"
        )


def _judged(way: Equivalence, groups: Sequence[Group]) -> Iterator[tuple[float, bool]]:
    for said, pairs in groups:
        distances = way.distances(said)
        classes = metrics.connected_classes(distances, way.near)
        for i, j, _ in pairs:
            yield -distances[i, j], classes[i] == classes[j]


def auc(same: NDArray[np.bool_], near: NDArray[np.float64]) -> float:
    """How often a pair that is the same lies nearer than one that is not."""
    ranks, count = rankdata(near), int(same.sum())
    return float((ranks[same].sum() - count * (count + 1) / 2) / (count * (len(same) - count)))


def kappa(same: NDArray[np.bool_], said: NDArray[np.bool_]) -> float:
    """Cohen's: agreement beyond what the shares alone would give."""
    chance = said.mean() * same.mean() + (1 - said.mean()) * (1 - same.mean())
    return float(((said == same).mean() - chance) / (1 - chance))


def _rows(path: Path) -> Iterable[dict[str, Any]]:
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--partitions", type=Path)
    parser.add_argument("--pairs", type=Path)
    given = parser.parse_args()
    if given.partitions:
        report("partitions", list(partitions(given.partitions)))
    if given.pairs:
        report("read here", list(labelled(given.pairs)))
