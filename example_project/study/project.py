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
    """The same, with every recording that is shipped as a checkpoint: a file, or a folder."""
    places = [*sorted((PROJECT / "samples").iterdir()), *sorted(SAMPLES.iterdir())]
    named = {place.name.removesuffix(".jsonl"): f"replay:{place}" for place in places}
    return replace(
        configuration(),
        checkpoints={name: Checkpoint(name, source) for name, source in named.items()},
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
    known = _sampled(Path(config.checkpoint(checkpoint).source.removeprefix("replay:")))
    return [name for name in config.written if name in known]


@cache
def _sampled(place: Path) -> frozenset[str | None]:
    files = sorted(place.glob("*.jsonl")) if place.is_dir() else [place]
    return frozenset(one.domain for file in files for one in SampleSet.from_jsonl(file).samples)
