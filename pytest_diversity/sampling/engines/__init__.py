"""What draws, one room an engine: to add one is to add its room, and its row here.

A room is imported when the first of its checkpoints is looked for, so that a run loads none that it
does not use.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import nullcontext
from importlib import import_module
from typing import TYPE_CHECKING, Any

from pytest_diversity.checkpoints.sources import Kind, kind_of
from pytest_diversity.config.options import Options
from pytest_diversity.config.values import Checkpoint
from pytest_diversity.errors import ConfigError, did_you_mean
from pytest_diversity.findings import Looking

if TYPE_CHECKING:  # the name of an engine is checked where nothing is drawn, too
    from pytest_diversity.sampling.protocol import Model, Setup

__all__ = ["ENGINES", "check", "check_engine", "find", "runs_here"]

# What draws from weights, by the name that --diversity-engine chooses it with: a module with a
# function `find`, which takes a checkpoint and the run's setup, and gives a model; and perhaps
# `check`, which takes the same, and finds what is wrong without loading or downloading anything:
# around each part it enters its third argument, so that a doctor hears of all that is wrong.
ENGINES: Mapping[str, str] = {
    "transformers": "transformers.local",
    "vllm": "vllm",
    "ray": "ray",
}
_ELSEWHERE = {"ray"}  # those that draw on other machines than this one
# What a source that is no weights chooses by itself.
_BY_SOURCE: Mapping[Kind, str] = {
    "server": "openai",
    "registered": "registered",
}


def find(checkpoint: Checkpoint, setup: Setup) -> Model:
    """Find a checkpoint with its engine; nothing is loaded yet.

    Raises:
        DiversityError: It is not there, or its engine cannot draw from it.
    """
    found: Model = _room(checkpoint, setup).find(checkpoint, setup)
    return found


def check(checkpoint: Checkpoint, setup: Setup, looking: Looking = nullcontext) -> None:
    """Find what is wrong with a checkpoint's sources without loading or downloading anything.

    Args:
        checkpoint: Its sources.
        setup: The run's.
        looking: What becomes of an error in one of its parts.

    Raises:
        DiversityError: A path does not exist, what is there is no model, or a server's URL cannot
            be used.
    """
    room = _room(checkpoint, setup)
    if kind_of(checkpoint.source, setup.root) != "weights":
        with looking():
            room.find(checkpoint, setup)
    elif hasattr(room, "check"):
        room.check(checkpoint, setup, looking)


def _room(checkpoint: Checkpoint, setup: Setup) -> Any:
    place = _BY_SOURCE.get(kind_of(checkpoint.source, setup.root)) or ENGINES[setup.options.engine]
    return import_module(f"{__name__}.{place}")


def runs_here(options: Options) -> bool:
    """Whether weights are loaded on this machine, whose devices they need."""
    return options.engine not in _ELSEWHERE


def check_engine(options: Options) -> None:
    """Refuse an engine that does not exist, before anything is drawn.

    Raises:
        ConfigError: There is none of the name that was chosen.
    """
    if options.engine not in ENGINES:
        raise ConfigError(
            f"unknown engine {options.engine!r}", fix=did_you_mean(options.engine, ENGINES)
        )
