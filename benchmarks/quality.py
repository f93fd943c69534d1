"""What judges of quality make of real answers: by stage, against labels, and between like models.

    python -m benchmarks.quality stages   # acceptance and effective diversity of each stage
    python -m benchmarks.quality labels   # agreement with labels read blind; short answers
    python -m benchmarks.quality alarms   # how often two like models are told apart
    python -m benchmarks.quality read     # the texts of the labels, in the order they were read

The answers are of a data set that is not part of the project (`--data`). The first run scores them,
at about .2 s of one core a sample; scores and embeddings are kept.
"""

from __future__ import annotations

import argparse
import json
import random
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.metrics import roc_auc_score

from benchmarks.recorded import Floats, Recorded
from benchmarks.stages import DATA, MEMORY, STAGES, Stages
from pytest_diversity.config.quality import Quality
from pytest_diversity.domains.bar import by_prompt, far_apart, same_bar
from pytest_diversity.estimate import estimate
from pytest_diversity.gate.bounds import ALPHA
from pytest_diversity.metrics import parse
from pytest_diversity.statistics.mean import Mean
from pytest_diversity.statistics.paired import paired_p

HERE = Path(__file__).parent / "judge"
EACH = 100  # labels of a stage
TRIALS = 500
ERRORS = (0.0, 0.06, 0.12)  # shares of answers that the judge wrongly refuses on one side alone
EFFECTIVE = parse("effective_pairs()")
JUDGES = {
    "well_formed": Quality("well_formed"),
    "adequate": Quality("adequate"),
    "embeddings alone": Quality("adequate", scorer="none"),
}


def by_stage(stages: Stages) -> None:
    """Acceptance and effective diversity of each stage, and the bar against the base model."""
    for name, quality in JUDGES.items():
        print(f"\n{name}: accepted; effective_pairs with its 95 % interval")
        for stage, features in stages.features.items():
            accepted = np.mean(features.assessed(quality).valid)
            found = estimate(features.judged_by(quality), EFFECTIVE)
            print(
                f"  {stage:9}{accepted:7.3f} {found.value:8.3f} {found.low:8.3f} {found.high:8.3f}"
            )
    print("\nby default, against another stage")
    for one, other in (("base", "sft"), ("base", "dpo"), ("sft", "dpo"), ("dpo", "instruct")):
        sides = stages.features[one], stages.features[other]
        before, after, said = same_bar(EFFECTIVE, *sides, (one, other))
        old, new = (estimate(side, EFFECTIVE).per_prompt for side in (before, after))
        change = Mean.of([new[name] - old[name] for name in new])
        low, high = change.interval() or (0.0, 0.0)
        print(f"  {one} -> {other}: {change.value:+.3f} [{low:+.3f}, {high:+.3f}]; {said}")


def against_labels(stages: Stages) -> None:
    """Agreement with the labels, and which short answers are refused."""
    rows, short = lines("labels.jsonl"), lines("short.jsonl")
    print(f"{len(rows)} labels of {len({row['prompt'] for row in rows})} prompts")
    for name, quality in JUDGES.items():
        print(f"\n{name}")
        found = {stage: one.assessed(quality) for stage, one in stages.features.items()}
        scores = {stage: by_prompt(stages.features[stage], found[stage].scores) for stage in STAGES}
        valid = {stage: by_prompt(stages.features[stage], found[stage].valid) for stage in STAGES}
        places = [(row["stage"], row["prompt"], row["index"]) for row in rows]
        _agreement(
            rows,
            np.array([scores[stage][prompt][i] for stage, prompt, i in places], dtype=float),
            np.array([valid[stage][prompt][i] for stage, prompt, i in places]),
        )
        for wanted, kind in ((True, "right"), (False, "wrong")):
            chosen = {row["prompt"]: [row["text"]] for row in short if row["answers"] is wanted}
            passed = stages.asked(chosen).assessed(quality).valid
            print(f"  short {kind} answers that pass: {sum(passed)} of {len(passed)}")


def _agreement(rows: Sequence[Mapping[str, Any]], scores: Floats, valid: Any) -> None:
    answers = np.array([row["answers"] for row in rows])
    groups = np.array([row["prompt"] for row in rows])
    of = np.array([row["stage"] for row in rows])
    right, base = valid == answers, of == "base"
    print(f"  agreement {interval(groups, lambda i: right[i].mean())}")
    print(f"  AUC {interval(groups, lambda i: roc_auc_score(answers[i], scores[i]))}")
    print(f"  AUC among the base model's {roc_auc_score(answers[base], scores[base]):.3f}")
    print("  agreement by stage", {s: round(float(right[of == s].mean()), 2) for s in STAGES})


def interval(groups: np.ndarray[Any, Any], value: Callable[[Any], float]) -> str:
    """A value with its 95 % interval: prompts are drawn anew, with all of their labels."""
    rng, members = np.random.default_rng(0), [np.flatnonzero(groups == one) for one in {*groups}]
    drawn = []
    for _ in range(1000):
        chosen = np.concatenate([members[i] for i in rng.integers(len(members), size=len(members))])
        drawn.append(value(chosen))
    low, high = np.quantile(drawn, [0.025, 0.975])
    return f"{value(np.arange(len(groups))):.3f} [{low:.3f}, {high:.3f}]"


def alarms(stages: Stages) -> None:
    """How often a stage fails a budget of no drop against itself, by the bar.

    Each trial draws prompts, and halves the samples of each at random: two models that are one. In
    some, the judge refuses a share of the answers of the second by mistake.
    """
    print(f"alarms in {TRIALS} trials, per cent, at a budget of 5 %")
    print(f"{'stage':9}{'prompts':>8}{'refused':>9}{'well_formed':>13}{'adequate':>10}"
          f"{'default':>9}{'by adequate':>13}")  # fmt: skip
    for stage in STAGES:
        for prompts in (30, len(stages.prompts)):
            for refused in ERRORS:
                rng = np.random.default_rng([len(stage), prompts])
                trials = [trial(stages, stage, prompts, refused, rng) for _ in range(TRIALS)]
                shares = 100 * np.mean(trials, axis=0)
                print(f"{stage:9}{prompts:8}{refused:9.2f}{shares[0]:13.1f}{shares[1]:10.1f}"
                      f"{shares[2]:9.1f}{shares[3]:13.1f}", flush=True)  # fmt: skip


def trial(
    stages: Stages, stage: str, prompts: int, refused: float, rng: np.random.Generator
) -> list[bool]:
    """Whether each bar fails: well_formed, adequate, the default; and which the default was."""
    distances, valid = matrices(stages, stage)
    count, size = valid["adequate"].shape
    rows = rng.permutation(count)[:prompts]
    order = rng.random((prompts, size)).argsort(axis=1)
    halves = [order < size // 2, order >= size // 2]
    mistaken = rng.random((prompts, size)) < refused
    lost, shares = {}, {}
    for name in ("well_formed", "adequate"):
        kept = valid[name][rows].astype(np.float64)
        if name == "adequate":
            kept = np.where(halves[1] & mistaken, 0, kept)
        world = Recorded(distances[rows], kept, fixed=True)
        sides = [world.of(half[:, None, :].astype(np.float64))[:, 0] for half in halves]
        shares[name] = [(kept * half).sum(axis=1) / half.sum(axis=1) for half in halves]
        lost[name] = paired_p((sides[0] - sides[1]).tolist()) <= ALPHA
    rough = far_apart(*(side.tolist() for side in shares["adequate"]))
    return [*lost.values(), lost["adequate" if rough else "well_formed"], rough]


def matrices(stages: Stages, stage: str) -> tuple[Floats, Mapping[str, Floats]]:
    """Distances, shape (P, S, S), and who is valid by each judge, (P, S)."""
    if stage not in _KNOWN:
        features = stages.features[stage]
        distances = features["distances"]
        valid = {name: by_prompt(features, features.assessed(JUDGES[name]).valid)
                 for name in ("well_formed", "adequate")}  # fmt: skip
        whole = [name for name, group in distances.items() if len(group) == 10]
        _KNOWN[stage] = (
            np.stack([distances[name] for name in whole]).astype(np.float64),
            {judge: np.array([of[name] for name in whole]) for judge, of in valid.items()},
        )
    return _KNOWN[stage]


_KNOWN: dict[str, tuple[Floats, Mapping[str, Floats]]] = {}


def chosen(stages: Stages) -> list[tuple[str, str, int]]:
    """(stage, prompt, index) of the answers to label, in the order they are read."""
    rng = random.Random(13)  # noqa: S311 - no secret
    found = []
    for stage in STAGES:
        texts = stages.texts[stage]
        every = [(stage, name, i) for name in sorted(texts) for i in range(len(texts[name]))]
        found += rng.sample(every, EACH)
    rng.shuffle(found)
    return found


def read(stages: Stages) -> None:
    """Print what is to be labelled, and nothing of where it is from."""
    for number, (stage, name, index) in enumerate(chosen(stages)):
        print(f"[{number}] {stages.prompts[name].prompt}\n>>> {stages.texts[stage][name][index]}\n")


def lines(name: str) -> Sequence[dict[str, Any]]:
    """The objects of a file of benchmarks/judge."""
    return [json.loads(line) for line in (HERE / name).read_text("utf-8").splitlines()]


def main() -> None:
    """Print what is asked for."""
    commands = {"stages": by_stage, "labels": against_labels, "alarms": alarms, "read": read}
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("command", choices=commands)
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--memory", type=Path, default=MEMORY)
    given = parser.parse_args()
    commands[given.command](Stages(given.data, given.memory))


if __name__ == "__main__":
    main()
