"""What draws, one room an engine: to add one is to add its room, and its row here.

A room is imported when the first of its checkpoints is looked for, so that a run loads none that it
does not use.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any

from pytest_diversity.checkpoints.sources import Kind, kind_of
from pytest_diversity.config.options import Options
from pytest_diversity.config.values import Checkpoint
from pytest_diversity.errors import ConfigError, did_you_mean

if TYPE_CHECKING:  # the name of an engine is checked where nothing is drawn, too
    from pytest_diversity.sampling.protocol import Model, Setup

__all__ = ["ENGINES", "check_engine", "find"]

# What draws from weights, by the name that --diversity-engine chooses it with: module:function,
# where the function takes a checkpoint and the run's setup, and gives a model.
ENGINES: Mapping[str, str] = {
    "transformers": "transformers.local:find",
    "vllm": "vllm:find",
    "ray": "ray:find",
}
# What a source that is no weights chooses by itself.
_BY_SOURCE: Mapping[Kind, str] = {
    "server": "openai:find",
    "registered": "registered:find",
}


def find(checkpoint: Checkpoint, setup: Setup) -> Model:
    """Find a checkpoint with its engine; nothing is loaded yet.

    Raises:
        DiversityError: It is not there, or its engine cannot draw from it.
    """
    place = _BY_SOURCE.get(kind_of(checkpoint.source, setup.root)) or ENGINES[setup.options.engine]
    module, _, function = place.partition(":")
    room: Any = import_module(f"{__name__}.{module}")
    found: Callable[[Checkpoint, Setup], Model] = getattr(room, function)
    return found(checkpoint, setup)


def check_engine(options: Options) -> None:
    """Refuse an engine that does not exist, before anything is drawn.

    Raises:
        ConfigError: There is none of the name that was chosen.
    """
    if options.engine not in ENGINES:
        raise ConfigError(
            f"unknown engine {options.engine!r}", fix=did_you_mean(options.engine, ENGINES)
        )
