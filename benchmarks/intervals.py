"""Which interval over prompts keeps what it states: Student, logit scale, BCa or studentised.

    python -m benchmarks.intervals [--repetitions 1000] [--data FILE]

Prompts are drawn from the real samples, and each method bounds their mean. Printed for each number
of prompts: how often the truth lies beyond the one-sided 95 % bounds, and within the two-sided 95 %
interval; the mean over the five families, and the family where the method is worst.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TypeAlias

import numpy as np
from scipy import stats

from benchmarks.recorded import DATA, Floats, Recorded, load
from benchmarks.statistics import MEMORY, World, percent, world
from pytest_diversity.statistics.mean import Mean

PROMPTS = (6, 10, 30, 80)
SAMPLES = (8, 32)
RESAMPLES = 499
Bounds: TypeAlias = tuple[float, float]


def student(values: Floats, confidence: float) -> Bounds:
    """Student's t, as the plugin uses it for metrics without an upper end."""
    return _of(Mean.of(values.tolist()), confidence)


def logit(values: Floats, confidence: float) -> Bounds:
    """Student's t on the logit scale, as the plugin uses it for metrics in [0, 1]."""
    return _of(Mean.of(values.tolist(), bounded=True), confidence)


def _of(mean: Mean, confidence: float) -> Bounds:
    return mean.interval(confidence) or (mean.value, mean.value)


def bca(values: Floats, confidence: float) -> Bounds:
    """Bias-corrected and accelerated bootstrap over prompts, by SciPy."""
    if np.ptp(values) == 0:
        return float(values[0]), float(values[0])
    found = stats.bootstrap(
        (values,),
        np.mean,
        confidence_level=confidence,
        n_resamples=RESAMPLES,
        method="BCa",
        rng=np.random.default_rng(0),
    ).confidence_interval
    return float(found.low), float(found.high)


def studentised(values: Floats, confidence: float) -> Bounds:
    """Bootstrap-t over prompts: the quantiles of t are those of resampled prompts."""
    count = len(values)
    drawn = values[np.random.default_rng(0).integers(count, size=(RESAMPLES, count))]
    errors = drawn.std(axis=1, ddof=1) / math.sqrt(count)
    kept = errors > 0
    if not kept.any():
        return float(values.mean()), float(values.mean())
    t = (drawn.mean(axis=1)[kept] - values.mean()) / errors[kept]
    low, high = np.quantile(t, [(1 - confidence) / 2, (1 + confidence) / 2])
    error = float(values.std(ddof=1)) / math.sqrt(count)
    return float(values.mean() - high * error), float(values.mean() - low * error)


METHODS: Mapping[str, Callable[[Floats, float], Bounds]] = {
    "Student": student,
    "logit (used)": logit,
    "BCa": bca,
    "bootstrap-t": studentised,
}


def rates(one: World, prompts: int, repetitions: int) -> Mapping[str, tuple[float, float, float]]:
    """By method: the truth above the upper bound, below the lower one, and covered, in percent."""
    truth = one.truth
    drawn = [np.array(one.draw(prompts)[0]) for _ in range(repetitions)]
    found = {}
    for name, method in METHODS.items():
        sides = [method(values, 0.90) for values in drawn]
        both = [method(values, 0.95) for values in drawn]
        found[name] = (
            percent([high < truth - 1e-9 for _, high in sides]),
            percent([low > truth + 1e-9 for low, _ in sides]),
            percent([low <= truth + 1e-9 and truth - 1e-9 <= high for low, high in both]),
        )
    return found


def report(everything: Mapping[str, Recorded], repetitions: int) -> Iterator[str]:
    """The table, as Markdown."""
    yield "| prompts | method | truth above | worst | truth below | worst | covered | worst |"
    yield "| --- | --- | --- | --- | --- | --- | --- | --- |"
    yield "| nominal | | 5 | | 5 | | 95 | |"
    for prompts in PROMPTS:
        found = [
            rates(
                world(recorded, samples, np.random.default_rng([prompts, samples])),
                prompts,
                repetitions,
            )
            for recorded in everything.values()
            for samples in SAMPLES
        ]
        for name in METHODS:
            table = np.array([one[name] for one in found])
            cells = [
                f"{column.mean():.1f} | {column[abs(column - nominal).argmax()]:.1f}"
                for column, nominal in zip(table.T, (5, 5, 95), strict=True)
            ]
            yield f"| {prompts} | {name} | {' | '.join(cells)} |"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--repetitions", type=int, default=1000)
    given = parser.parse_args()
    for line in report(load(given.data, MEMORY), given.repetitions):
        print(line, flush=True)


if __name__ == "__main__":
    main()
