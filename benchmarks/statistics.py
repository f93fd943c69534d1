"""How often gates fail without reason, and how often with: on real samples, through `judge`.

    python benchmarks/statistics.py [--repetitions 2000] [--data FILE]

Each repetition draws prompts, and for each of them disjoint sets of samples: one as the reference,
one as the checkpoint under test. Nothing has changed between the two, or a known share of the
second has been replaced by copies of one sample. Prompts are drawn with replacement from those
recorded, which stand for all prompts; samples of a prompt never are.
"""

from __future__ import annotations

import argparse
import math
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.recorded import DATA, METRICS, Floats, Recorded, load
from pytest_diversity.config.budget import Budget, Change
from pytest_diversity.estimate import Comparison, Estimate
from pytest_diversity.gate.bounds import ALPHA, Gate
from pytest_diversity.gate.decide import decide
from pytest_diversity.statistics import sequential
from pytest_diversity.statistics.holm import holm
from pytest_diversity.statistics.jackknife import jackknife_error
from pytest_diversity.statistics.mean import Mean
from pytest_diversity.statistics.paired import paired_p
from pytest_diversity.statistics.power import power, smallest_detectable
from pytest_diversity.studies.calibrate import propose
from pytest_diversity.verdict import Verdict

PROMPTS = (6, 10, 30, 80)
SAMPLES = (8, 16, 32)
HALVES = 200  # disjoint pairs of sets of samples, per prompt
MEMORY = Path(".diversity") / "recorded.npz"
ANY_DROP = Budget(max_drop=Change(0.0, relative=False), reference="base")


@dataclass(frozen=True)
class World:
    """Where repetitions are drawn from: the value of every prompt for many draws of samples.

    Attributes:
        before: Shape (P, M): of the reference.
        after: Shape (P, M): of the checkpoint under test.
        rng: Random numbers.
        same: Whether nothing has changed: the sides of each prompt then change places by chance,
            so that the few hundred draws that stand for all have no difference of their own.
    """

    before: Floats
    after: Floats
    rng: np.random.Generator
    same: bool = False

    @property
    def truth(self) -> float:
        """The mean over all that can be drawn, where nothing has changed."""
        defined = ~(np.isnan(self.before) | np.isnan(self.after))
        return float(np.mean([self.before[defined], self.after[defined]]))

    def draw(self, prompts: int) -> tuple[list[float], list[float]]:
        """Both sides of one repetition; prompts that are undefined on a side are drawn again."""
        while True:
            rows = self.rng.integers(len(self.before), size=4 * prompts)
            columns = self.rng.integers(self.before.shape[1], size=4 * prompts)
            before, after = self.before[rows, columns], self.after[rows, columns]
            defined = ~(np.isnan(before) | np.isnan(after))
            if self.same:
                swap = self.rng.random(len(rows)) < 0.5
                before, after = np.where(swap, after, before), np.where(swap, before, after)
            if defined.sum() >= prompts:
                return before[defined][:prompts].tolist(), after[defined][:prompts].tolist()


def choose(size: tuple[int, int, int], start: int, count: int, orders: Floats) -> Floats:
    """Which of the samples are the `count` after the first `start`, in random orders."""
    taken: Floats = ((orders >= start) & (orders < start + count)).astype(np.float64)
    return taken.reshape(size)


def world(recorded: Recorded, samples: int, rng: np.random.Generator, degree: float = 0.0) -> World:
    """Two disjoint sets of samples of each prompt, a share of the second replaced by copies."""
    size = (len(recorded.counts), HALVES, recorded.counts.shape[1])
    orders = rng.random(size).argsort(axis=2).argsort(axis=2).astype(np.float64)
    after = choose(size, samples, samples, orders)
    copies = round(degree * samples)
    if copies:
        after -= choose(size, samples + 1, copies, orders)
        after += copies * choose(size, samples, 1, orders)
    before = recorded.of(choose(size, 0, samples, orders))
    return World(before, recorded.of(after), rng, same=not copies)


def estimated(values: Sequence[float], family: str, samples: int) -> Estimate:
    """What the plugin would have measured."""
    mean = Mean.of(values, bounded=True)
    low, high = mean.interval() or (None, None)
    return Estimate(
        metric=METRICS[family],
        domain="code",
        value=mean.value,
        low=low,
        high=high,
        per_prompt={f"p{i}": value for i, value in enumerate(values)},
        defined=1.0,
        samples_per_prompt=(samples, samples),
    )


def judged(
    pair: tuple[Sequence[float], Sequence[float]], family: str, samples: int, budget: Budget
) -> Verdict:
    """The verdict on one repetition."""
    before, after = (estimated(side, family, samples) for side in pair)
    reference = Comparison("base", before, after) if budget.compares else None
    return decide(Gate("dpo", "code", family, budget), after, reference=reference)


@dataclass(frozen=True)
class Result:
    """The rates of one family at n prompts and K samples, in percent."""

    coverage: float
    paired_coverage: float
    change_alarms: float
    level_alarms: float
    planned: float
    detected: float


def percent(flags: Sequence[bool]) -> float:
    """The share that is true."""
    return 100 * float(np.mean(flags))


def measure(
    recorded: Recorded, family: str, prompts: int, samples: int, repetitions: int
) -> Result:
    """Simulate one combination."""
    rng = np.random.default_rng([prompts, samples, len(family)])
    same = world(recorded, samples, rng)
    truth = same.truth
    low, paired, change, level = [], [], [], []
    for _ in range(repetitions):
        pair = same.draw(prompts)
        one = judged(pair, family, samples, ANY_DROP)
        change.append(one.status == "fail")
        level.append(judged(pair, family, samples, Budget(min=truth)).status == "fail")
        low.append(covers(one.low, one.high, truth))
        interval = Mean.of(np.subtract(*pair).tolist()).interval()
        paired.append(interval is not None and covers(*interval, 0.0))
    planned, found = detection(recorded, family, (prompts, samples), repetitions, rng)
    return Result(
        coverage=percent(low),
        paired_coverage=percent(paired),
        change_alarms=percent(change),
        level_alarms=percent(level),
        planned=100 * planned,
        detected=percent(found),
    )


def covers(low: float | None, high: float | None, truth: float) -> bool:
    """Whether an interval holds the truth, up to rounding."""
    return low is None or high is None or low - 1e-9 <= truth <= high + 1e-9


def detection(
    recorded: Recorded,
    family: str,
    size: tuple[int, int],
    repetitions: int,
    rng: np.random.Generator,
) -> tuple[float, list[bool]]:
    """What the plan says of a real collapse of half of the samples, and what happens.

    The collapse is shifted to the smallest one that the plan promises to find: its size is chosen,
    its unevenness over prompts and samples stays real.
    """
    prompts, samples = size
    collapsed = world(recorded, samples, rng, degree=0.5)
    drops = collapsed.before - collapsed.after
    spread = float(np.nanstd(drops))
    wanted = smallest_detectable(spread / math.sqrt(prompts), prompts)
    shifted = World(collapsed.before, collapsed.after + np.nanmean(drops) - wanted, rng)
    found = [
        judged(shifted.draw(prompts), family, samples, ANY_DROP).status == "fail"
        for _ in range(repetitions)
    ]
    return power(wanted, spread, prompts), found


def familywise(
    everything: Mapping[str, Recorded], prompts: int, samples: int, repetitions: int
) -> tuple[float, float]:
    """How often any of the five families fails without reason, uncorrected and after Holm."""
    rng = np.random.default_rng([prompts, samples])
    worlds = {f: world(one, samples, np.random.default_rng(7)) for f, one in everything.items()}
    plain, corrected = [], []
    for _ in range(repetitions):
        rows = rng.integers(len(everything["quality"].counts), size=prompts)
        columns = rng.integers(HALVES, size=prompts)
        drops = [one.before[rows, columns] - one.after[rows, columns] for one in worlds.values()]
        p_values = [paired_p(one[~np.isnan(one)].tolist()) for one in drops]
        plain.append(min(p_values) <= ALPHA)
        corrected.append(min(holm(p_values)) <= ALPHA)
    return percent(plain), percent(corrected)


@dataclass(frozen=True)
class Steps:
    """What looking in steps comes to: alarms or detections in percent, and samples used."""

    failed: float
    at_once: float
    used: float


def adaptive(
    recorded: Recorded,
    family: str,
    prompts: int,
    samples: int,
    repetitions: int,
    *,
    degree: float,
    allowed: float,
) -> Steps:
    """Judge in steps as the plugin does, and at once."""
    rng = np.random.default_rng([prompts, samples, round(100 * degree)])
    looks = sequential.counts(samples)
    worlds = nested(recorded, looks, rng, degree)
    shares = tuple(count / samples for count in looks)
    level = sequential.levels(ALPHA, shares)
    budget = Budget(max_drop=Change(allowed, relative=True), reference="base")
    failed, at_once, used = [], [], []
    for _ in range(repetitions):
        rows = rng.integers(len(recorded.counts), size=prompts)
        columns = rng.integers(HALVES, size=prompts)
        sides = [(w.before[rows, columns], w.after[rows, columns]) for w in worlds]
        pairs = [tuple(np.nan_to_num(side).tolist() for side in pair) for pair in sides]
        at_once.append(judged(pairs[-1], family, samples, budget).status == "fail")
        for count, pair, alpha in zip(looks, pairs, level, strict=True):
            before, after = (estimated(side, family, count) for side in pair)
            gate = Gate("dpo", "code", family, budget)
            reference = Comparison("base", before, after)
            verdict = decide(gate, after, reference=reference, alpha=alpha)
            if verdict.status == "fail" or (verdict.kept or 0.0) <= alpha:
                break
        failed.append(verdict.status == "fail")
        used.append(count / samples)
    return Steps(percent(failed), percent(at_once), 100 * float(np.mean(used)))


def nested(
    recorded: Recorded, looks: Sequence[int], rng: np.random.Generator, degree: float
) -> list[World]:
    """The same samples at every look, each time more of them."""
    size = (len(recorded.counts), HALVES, recorded.counts.shape[1])
    orders = rng.random(size).argsort(axis=2).argsort(axis=2).astype(np.float64)
    worlds, most = [], looks[-1]
    for count in looks:
        after = choose(size, most, count, orders)
        copies = round(degree * count)
        if copies:
            after -= choose(size, most + 1, copies, orders)
            after += copies * choose(size, most, 1, orders)
        worlds.append(World(recorded.of(choose(size, 0, count, orders)), recorded.of(after), rng))
    return worlds


def calibration(
    recorded: Recorded, family: str, prompts: int, samples: int, repetitions: int
) -> float:
    """How often an unchanged re-sample misses the bound that calibration proposed."""
    rng = np.random.default_rng([prompts, samples, 1])
    size = (len(recorded.counts), HALVES, recorded.counts.shape[1])
    orders = rng.random(size).argsort(axis=2).argsort(axis=2).astype(np.float64)
    first, again = (recorded.of(choose(size, i * samples, samples, orders)) for i in (0, 1))
    errors = np.stack(
        [
            recorded.of(choose(size, 0, samples, orders) - choose(size, left, 1, orders))
            for left in range(samples)
        ],
        axis=2,
    )
    jackknife = np.apply_along_axis(jackknife_error, 2, errors)
    missed = []
    for _ in range(repetitions):
        rows = rng.integers(len(recorded.counts), size=prompts)
        one, two = rng.integers(HALVES, size=(2, prompts))
        values, error = first[rows, one], jackknife[rows, one]
        kept = ~(np.isnan(values) | np.isnan(error) | np.isnan(again[rows, two]))
        each = samples if family == "quality" else samples * (samples - 1) // 2
        counted = int(kept.sum()) * each
        mean_error = float(np.sqrt((error[kept] ** 2).sum())) / kept.sum()
        bound = propose(float(values[kept].mean()), mean_error, counted)
        missed.append(float(again[rows, two][kept].mean()) < bound)
    return percent(missed)


def report(everything: Mapping[str, Recorded], repetitions: int) -> Iterator[str]:
    """All tables, as Markdown."""
    yield f"{repetitions} repetitions: two standard errors are {_error(5, repetitions):.1f} points"
    yield f"at 5 % and 95 %, and {_error(80, repetitions):.1f} at 80 %.\n"
    yield "| family | n x K | coverage, level | paired | alarms, change | level | plan | found |"
    yield "| --- | --- | --- | --- | --- | --- | --- | --- |"
    yield "| nominal | | 95 | 95 | 5 | 5 | 80 | 80 |"
    for family, recorded in everything.items():
        for prompts in PROMPTS:
            for samples in SAMPLES:
                one = measure(recorded, family, prompts, samples, repetitions)
                yield (
                    f"| {family} | {prompts} x {samples} | {one.coverage:.1f} "
                    f"| {one.paired_coverage:.1f} | {one.change_alarms:.1f} "
                    f"| {one.level_alarms:.1f} | {one.planned:.0f} | {one.detected:.1f} |"
                )
    yield "\n| any of five families fails, nothing changed | uncorrected | Holm | nominal |"
    yield "| --- | --- | --- | --- |"
    for prompts in PROMPTS:
        plain, corrected = familywise(everything, prompts, 16, repetitions)
        yield f"| {prompts} x 16 | {plain:.1f} | {corrected:.1f} | at most 5 |"
    yield from _adaptive_table(everything, repetitions)
    yield "\n| calibrated bound missed by an unchanged re-sample | % | nominal |"
    yield "| --- | --- | --- |"
    for family in everything:
        for prompts, samples in ((10, 8), (30, 16)):
            missed = calibration(everything[family], family, prompts, samples, repetitions)
            yield f"| {family} {prompts} x {samples} | {missed:.2f} | at most 1 |"


def _adaptive_table(everything: Mapping[str, Recorded], repetitions: int) -> Iterator[str]:
    yield "\n| in steps, K = 32 | failed | at once | samples used, % |"
    yield "| --- | --- | --- | --- |"
    cases = (
        ("nothing changed, any drop fails", 0.0, 0.0),
        ("nothing changed, 30 % allowed", 0.0, 0.3),
    )
    for name, degree, allowed in (*cases, ("three quarters are copies", 0.75, 0.05)):
        for family in ("lexical", "syntactic", "effective"):
            for prompts in (10, 30):
                one = adaptive(
                    everything[family],
                    family,
                    prompts,
                    32,
                    repetitions,
                    degree=degree,
                    allowed=allowed,
                )
                yield (
                    f"| {name}: {family}, {prompts} prompts | {one.failed:.1f} "
                    f"| {one.at_once:.1f} | {one.used:.0f} |"
                )


def _error(share: float, repetitions: int) -> float:
    return 2 * math.sqrt(share * (100 - share) / repetitions)


def main() -> None:
    """Print everything."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--repetitions", type=int, default=2000)
    given = parser.parse_args()
    began = time.perf_counter()
    for line in report(load(given.data, MEMORY), given.repetitions):
        print(line, flush=True)
    print(f"\n{time.perf_counter() - began:.0f} s")


if __name__ == "__main__":
    main()
