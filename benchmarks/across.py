"""How well intervals and tests of metrics across prompts keep what they state, by simulation.

Prompts are drawn at random: each has a topic, more or less common, and one text of its words. The
truth is the mean of the value over all repetitions at that number of prompts.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from pytest_diversity.metrics import parse
from pytest_diversity.statistics.jackknife import contributions, taken_in_turn
from pytest_diversity.statistics.mean import Mean
from pytest_diversity.statistics.paired import paired_p

METRICS = ("pair_distinct(n=1)", "jaccard(n=1)", "distinct(n=2)", "self_bleu(n=2)")
TOPICS, WORDS, SHARED = 12, 40, 30
Texts = Sequence[Sequence[str]]


def texts(random: Generator, count: int, *, narrow: float = 0.0) -> Texts:
    """One text of 20 words a prompt; a share of the prompts is answered on one topic."""
    weights = 1 / np.arange(1, TOPICS + 1)
    topics = random.choice(TOPICS, size=count, p=weights / weights.sum())
    topics = np.where(random.random(count) < narrow, 0, topics)
    return [[_word(random, int(topic)) for _ in range(20)] for topic in topics]


def _word(random: Generator, topic: int) -> str:
    own = random.random() < 0.6
    return f"{topic}-{random.integers(WORDS)}" if own else f"all-{random.integers(SHARED)}"


def shares(metric: str, found: Texts) -> list[float]:
    """What each prompt contributes to the value."""
    function = parse(metric)

    def value(kept: Texts) -> float:
        result = function(tokens=kept)
        assert result is not None  # noqa: S101 - a benchmark
        return result

    names = [f"{n:04}" for n in range(len(found))]
    groups = taken_in_turn(names)
    left = [value([t for n, t in zip(names, found, strict=True) if n not in g]) for g in groups]
    return contributions(value(found), left)


def coverage(metric: str, count: int, repetitions: int, random: Generator) -> tuple[float, float]:
    """The shares of 95 % intervals that hold the truth, and of truths above the upper bound."""
    bounded = parse(metric).definition.highest == 1
    means = [
        Mean.of(shares(metric, texts(random, count)), bounded=bounded) for _ in range(repetitions)
    ]
    truth = float(np.mean([mean.value for mean in means]))
    ends = np.array([mean.interval() for mean in means])
    above = float(np.mean([mean.upper() < truth for mean in means]))
    return float(np.mean((ends[:, 0] <= truth) & (truth <= ends[:, 1]))), above


def false_alarms(
    metric: str, count: int, repetitions: int, random: Generator, change: Callable[..., Texts]
) -> float:
    """How often two sides, of the same kind or not, are told apart at 5 %, one-sided."""
    better = parse(metric).definition.better == "up"
    alarms: list[bool] = []
    for _ in range(repetitions):
        before, after = shares(metric, texts(random, count)), shares(metric, change(random, count))
        losses: NDArray[np.float64] = np.subtract(before, after) * (1 if better else -1)
        alarms.append(paired_p(losses.tolist()) <= 0.05)
    return float(np.mean(alarms))


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--repetitions", type=int, default=400)
    repetitions = parser.parse_args().repetitions
    print("| metric | prompts | covered | above | false alarms | narrowing found |")
    print("| --- | --- | --- | --- | --- | --- |")
    for metric in METRICS:
        for count in (8, 20, 60):
            random = np.random.default_rng([7, count])
            covered, above = coverage(metric, count, repetitions, random)
            same = false_alarms(metric, count, repetitions, random, texts)
            found = false_alarms(
                metric, count, repetitions, random, lambda r, n: texts(r, n, narrow=0.7)
            )
            row = " | ".join(f"{100 * share:.1f}" for share in (covered, above, same, found))
            print(f"| {metric} | {count} | {row} |", flush=True)


if __name__ == "__main__":
    main()
