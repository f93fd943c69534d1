"""What runs on a node of the cluster."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from pytest_diversity.config.options import Options
from pytest_diversity.config.values import Checkpoint
from pytest_diversity.errors import DiversityError, SamplingError
from pytest_diversity.samples import Sample
from pytest_diversity.sampling.device import environment
from pytest_diversity.sampling.engines.transformers.local import LocalModel
from pytest_diversity.sampling.failing import in_a_sentence
from pytest_diversity.sampling.protocol import Engine, Identity, Progress, Request, Setup

__all__ = ["Actor", "Placed", "probe_node"]


@dataclass(frozen=True, slots=True)
class Placed:
    """What an actor needs to find and load a checkpoint on its own node."""

    checkpoint: Checkpoint
    options: Options
    root: Path
    folder: Path
    identity: Identity


class Actor:
    """The embedded engine on a node; also its progress, of which only the lines travel."""

    def __init__(self, placed: Placed) -> None:
        """Load the model, or keep what stands in the way."""
        _forget_worker()
        self._lines: list[str] = []
        self._failure: DiversityError | None = None
        try:
            with in_a_sentence("loading the checkpoint"):
                self._engine = _load(placed, self)
        except DiversityError as error:
            self._failure = error

    def advance(self, samples: float, tokens: int) -> None:
        """Counted where the samples arrive."""

    def say(self, message: str) -> None:
        """Keep a line."""
        self._lines.append(message)

    def ready(self) -> list[str] | DiversityError:
        """The lines that were said while loading; an error is a value, which Ray does not wrap."""
        return self._failure or self._lines

    def sample(self, requests: Sequence[Request]) -> Iterator[Sample | DiversityError]:
        """The samples, streamed."""
        try:
            with in_a_sentence("sampling"):
                yield from self._engine.sample(requests, self)
        except DiversityError as error:
            yield error


def probe_node(device: str, dtype: str) -> str | DiversityError:
    """The device and number format that a model gets on this node."""
    _forget_worker()
    try:
        found = environment(device, dtype, {})
    except DiversityError as error:
        return error
    return f"{found.device} {found.dtype}"


def _load(placed: Placed, progress: Progress) -> Engine:
    """Load a checkpoint on a node, once it is sure that it is the one that was meant.

    Raises:
        SamplingError: The node would draw other samples than the key says.
    """
    there = placed.folder.parent.is_dir()
    folder = placed.folder if there else Path(tempfile.gettempdir())
    found = LocalModel.find(placed.checkpoint, Setup(placed.options, placed.root, folder, {}))
    wanted = asdict(placed.identity)
    for name, value in asdict(found.identity).items():
        if value != wanted[name]:
            raise SamplingError(
                f"a node of the Ray cluster has another {name}: {value}, not {wanted[name]}",
                fix="install the same versions and put the same files on all nodes",
            )
    return found.load(progress)


def _forget_worker() -> None:
    """A node has all of its devices, whichever worker of xdist has started it."""
    for name in ("PYTEST_XDIST_WORKER", "PYTEST_XDIST_WORKER_COUNT"):
        os.environ.pop(name, None)
