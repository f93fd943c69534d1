"""The project that is studied: its configuration, with recorded samples in place of models."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path

from pytest_diversity import SampleSet
from pytest_diversity.config.file import load_config
from pytest_diversity.config.values import Checkpoint, Config

FOLDER = Path(__file__).parent
PROJECT = FOLDER.parent
SAMPLES = FOLDER / "samples"
STORE = PROJECT / ".diversity" / "study.sqlite"
REFERENCE = "base"


def configuration() -> Config:
    """As `diversity.toml` says it."""
    return load_config(PROJECT / "diversity.toml")


def recorded() -> Config:
    """The same, with every recording that is shipped as a checkpoint, named after its file."""
    files = [*sorted((PROJECT / "samples").glob("*.jsonl")), *sorted(SAMPLES.glob("*.jsonl"))]
    return replace(
        configuration(),
        checkpoints={file.stem: Checkpoint(file.stem, f"replay:{file}") for file in files},
    )


def adapters(config: Config) -> Sequence[str]:
    """The fine-tunes whose samples are shipped, in the order of `diversity.toml`."""
    return [
        name
        for name in configuration().checkpoints
        if name != REFERENCE and name in config.checkpoints
    ]


def domains(config: Config, checkpoint: str) -> Sequence[str]:
    """Those in which a checkpoint was sampled, in the order of `diversity.toml`."""
    known = _sampled(config.checkpoint(checkpoint).source.removeprefix("replay:"))
    return [name for name in config.written if name in known]


@cache
def _sampled(file: str) -> frozenset[str | None]:
    return frozenset(one.domain for one in SampleSet.from_jsonl(file).samples)
