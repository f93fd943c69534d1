"""What judges of quality make of real answers: by stage, against labels, and between like models.

    python -m benchmarks.quality stages   # acceptance and effective diversity of each stage
    python -m benchmarks.quality labels   # agreement with labels that were read blind
    python -m benchmarks.quality alarms   # how often two like models would be told apart
    python -m benchmarks.quality read     # the texts of the labels, in the order they were read

Of a data set that is not part of the project; the first run scores it, at about .2 s a sample.
"""

from __future__ import annotations

import argparse
import json
import random
from collections.abc import Iterator
from pathlib import Path

from benchmarks.stages import DATA, MEMORY, STAGES, Stages

HERE = Path(__file__).parent / "judge"
EACH = 100  # labels of a stage


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
