"""How often each part of an effective change fails without reason, and how often with.

    python -m benchmarks.split [--repetitions 2000] [--data FILE]

Drawn and judged as in `benchmarks.statistics`: disjoint sets of samples of the same prompts, of
which the second is unchanged, or half of it has become copies of one sample, of one valid sample,
or empty. Printed for each is what was lost, and how often a budget that allows no loss fails.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np

from benchmarks.recorded import DATA, Floats, Recorded, load
from benchmarks.statistics import HALVES, MEMORY, choose, estimated, percent
from pytest_diversity.config.budget import Budget, Change
from pytest_diversity.estimate import Comparison, Estimate
from pytest_diversity.gate.bounds import Gate
from pytest_diversity.gate.decide import decide

SIZES = ((10, 16), (30, 16), (80, 16))
SPOILT = ("nothing", "half are copies", "half are copies of a valid one", "half are empty")
ANY = Change(0.0, relative=False)
BUDGETS = (Budget(max_drop=ANY), Budget(max_quality_loss=ANY), Budget(max_narrowing=ANY))


def spoil(after: Floats, valid: Floats, kind: str, rng: np.random.Generator) -> Floats:
    """Half of the chosen samples replaced, as `kind` says.

    Args:
        after: Shape (P, M, S): how often each of the S samples is in each of M subsets.
        valid: Shape (P, S).
        kind: One of `SPOILT`.
        rng: Random numbers.
    """
    if kind == "nothing":
        return after
    count = int(after[0, 0].sum())
    order = np.where(after > 0, rng.random(after.shape), 2.0)
    kept = (order.argsort(axis=2).argsort(axis=2) < count - count // 2).astype(np.float64)
    if kind == "half are empty":
        return kept
    preferred = kept * valid[:, None, :] if kind.endswith("valid one") else kept
    copied = np.where(preferred.any(axis=2, keepdims=True), preferred, kept)
    chosen = (copied * (1 + rng.random(after.shape))).argmax(axis=2)
    copies: Floats = np.zeros_like(kept)
    np.put_along_axis(copies, chosen[:, :, None], count // 2, axis=2)
    return kept + copies


def values(
    chosen: Floats, samples: int, everything: Mapping[str, Recorded]
) -> tuple[Floats, Floats]:
    """Effective diversity and the share of valid pairs, each of shape (P, M)."""
    effective, quality = everything["effective"], everything["quality"]
    pairs = samples * (samples - 1)
    own = np.diagonal(effective.values, axis1=1, axis2=2)
    taking = chosen * effective.counts[:, None, :]
    both = (taking @ effective.values * taking).sum(axis=2) - (taking @ own[:, :, None])[:, :, 0]
    passed = (chosen @ quality.counts[:, :, None])[:, :, 0]
    return both / pairs, passed * (passed - 1) / pairs


def side(value: Floats, quality: Floats, samples: int) -> Estimate:
    """What the plugin would have measured."""
    of_prompts = {f"p{i}": float(one) for i, one in enumerate(quality)}
    return replace(estimated(value.tolist(), "effective", samples), quality=of_prompts)


def rates(
    everything: Mapping[str, Recorded], size: tuple[int, int], kind: str, repetitions: int
) -> tuple[list[float], list[float]]:
    """Of the whole and of each part the mean loss, and how often it fails, in percent."""
    prompts, samples = size
    rng = np.random.default_rng([prompts, samples, SPOILT.index(kind)])
    valid = everything["quality"].counts
    orders = rng.random((len(valid), HALVES, valid.shape[1])).argsort(axis=2).argsort(axis=2)
    sets = [choose(orders.shape, i * samples, samples, orders.astype(float)) for i in (0, 1)]
    sets[1] = spoil(sets[1], valid, kind, rng)
    (before, old), (after, new) = (values(one, samples, everything) for one in sets)
    lost, failed = [], []
    for _ in range(repetitions):
        rows = rng.integers(len(valid), size=prompts)
        columns = rng.integers(HALVES, size=prompts)
        pair = [
            (before[rows, columns], old[rows, columns]),
            (after[rows, columns], new[rows, columns]),
        ]
        if kind == "nothing" and rng.random() < 0.5:
            pair.reverse()
        first, second = (side(*one, samples) for one in pair)
        reference = Comparison("base", first, second)
        parts = reference.split
        losses = [parts["quality"].loss, parts["narrowing"].loss]
        lost.append([first.value or 0.0, sum(losses), *losses])
        failed.append([fails(reference, budget) for budget in BUDGETS])
    base, *means = np.mean(lost, axis=0)
    return [100 * one / base for one in means], [percent(one) for one in zip(*failed, strict=True)]


def fails(reference: Comparison, budget: Budget) -> bool:
    """Whether a budget fails."""
    gate = Gate("dpo", "code", "effective", budget)
    return decide(gate, reference.after, reference=reference).status == "fail"


def report(everything: Mapping[str, Recorded], repetitions: int) -> Iterator[str]:
    """The table, as Markdown."""
    heads = [f"{what}: effective | quality | narrowing" for what in ("lost, %", "fails, %")]
    yield f"| what changed | n x K | {' | '.join(heads)} |"
    yield f"|{' --- |' * 8}"
    for kind in SPOILT:
        for prompts, samples in SIZES:
            lost, failed = rates(everything, (prompts, samples), kind, repetitions)
            cells = " | ".join([*(f"{one:.0f}" for one in lost), *(f"{one:.1f}" for one in failed)])
            yield f"| {kind} | {prompts} x {samples} | {cells} |"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--repetitions", type=int, default=2000)
    given = parser.parse_args()
    for line in report(load(given.data, MEMORY), given.repetitions):
        print(line, flush=True)


if __name__ == "__main__":
    main()
