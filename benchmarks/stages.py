"""Real answers of one model family at four stages of its training, and what judges make of them.

150 prompts, 10 samples each: a base model, and the same one after SFT, DPO and RL. Embeddings and
scores are kept in a store, so that only the first run pays for them.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

from pytest_diversity.config.options import Options
from pytest_diversity.config.values import Config, Domain
from pytest_diversity.features import Features
from pytest_diversity.prompts import Prompt
from pytest_diversity.report.progress import Console
from pytest_diversity.samples import SampleSet
from pytest_diversity.session import Session

__all__ = ["DATA", "STAGES", "Stages"]

DATA = Path(__file__).parents[2] / "shared" / "data" / "olmo2_even"
STAGES = ("base", "sft", "dpo", "instruct")
MEMORY = Path(".diversity") / "stages.sqlite"


class Stages:
    """The answers of the four stages, by name, through one workspace.

    Attributes:
        prompts: By id.
        texts: Of each stage, those of each prompt.
        domain: What they are measured as.
    """

    def __init__(self, data: Path, memory: Path = MEMORY, device: str = "auto") -> None:
        """Read the data; embed and judge nothing yet."""
        rows = [row for path in sorted(data.glob("prompts_*.jsonl.gz")) for row in _lines(path)]
        self.prompts = {row["id"]: Prompt(prompt=row["prompt"], id=row["id"]) for row in rows}
        self.texts = {stage: _texts(data / f"{stage}.jsonl.gz") for stage in STAGES}
        self.domain = Domain("chat")
        options = Options(store=memory, device=device)
        self._workspace = Session(
            Config(domains={"chat": self.domain}), options, Path(), lambda: Console(quiet=True)
        ).workspace

    @cached_property
    def features(self) -> Mapping[str, Features]:
        """Of each stage."""
        return {stage: self.of(texts, stage) for stage, texts in self.texts.items()}

    def of(self, texts: Mapping[str, list[str]], whose: str) -> Features:
        """Of some answers to some of the prompts."""
        chosen = {name: self.prompts[name] for name in texts}
        return self._workspace.features_of(SampleSet.of(texts), self.domain, chosen, whose)

    def asked(self, texts: Mapping[str, list[str]]) -> Features:
        """Of answers to prompts that are none of the data's."""
        prompts = {prompt: Prompt(prompt=prompt, id=prompt) for prompt in texts}
        return self._workspace.features_of(SampleSet.of(texts), self.domain, prompts)


def _texts(path: Path) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for row in sorted(_lines(path), key=lambda row: (row["prompt"], row["index"])):
        found.setdefault(row["prompt"], []).append(row["text"])
    return found


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        yield from map(json.loads, lines)
