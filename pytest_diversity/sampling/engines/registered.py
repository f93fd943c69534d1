"""Samplers of one's own: a function that draws, for checkpoints `SCHEME:NAME`.

For whatever is neither weights nor a server with the OpenAI API: another service's client, an
agent, a program. Its samples are kept and judged as all others are.
"""

from __future__ import annotations

import re
import traceback
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from pytest_diversity.config.values import Checkpoint
from pytest_diversity.errors import (
    ConfigError,
    DiversityError,
    SamplingError,
    did_you_mean,
    first_line,
)
from pytest_diversity.samples import Sample
from pytest_diversity.sampling.protocol import Engine, Identity, Model, Progress, Request

__all__ = ["CustomModel", "Draw", "Request", "Sample", "find", "register"]

Draw = Callable[[str, Sequence[Request]], Iterable[Sample]]
_TAKEN = {"baseline", "builtin", "http", "https", "package", "replay"}
_samplers: dict[str, tuple[Draw, str]] = {}


def register(scheme: str, draw: Draw, *, version: str) -> None:
    """Let `draw` give the samples of the checkpoints `SCHEME:NAME`.

    Args:
        scheme: Two or more of lower-case letters, digits and dashes.
        draw: Called with NAME and what is wanted; gives one sample for each number of each request,
            in any order. A generator's samples are kept one by one. A function that is called again
            after it failed is asked for the rest.
        version: Part of the samples' key: raise it when `draw` would give other texts.

    Raises:
        ConfigError: The scheme cannot be one, or is another function's.
    """
    if not _is_scheme(scheme):
        raise ConfigError(f"a sampler cannot be named {scheme!r}", fix="lower-case letters, digits")
    if _samplers.setdefault(scheme, (draw, version)) != (draw, version):
        raise ConfigError(f"a sampler named {scheme!r} exists already", fix="choose another name")


def find(checkpoint: Checkpoint, root: Path) -> CustomModel | None:
    """The registered sampler that a checkpoint names; None if it names none.

    Args:
        checkpoint: Its source may be `SCHEME:NAME`.
        root: What a path that looks like that is relative to.

    Raises:
        ConfigError: There is no such sampler, or the checkpoint has what only weights have.
    """
    scheme, colon, name = checkpoint.source.partition(":")
    if not colon or not _is_scheme(scheme) or (root / checkpoint.source).exists():
        return None
    if scheme not in _samplers:
        raise ConfigError(
            f"checkpoint {checkpoint.name!r}: no sampler {scheme!r} is registered",
            fix=did_you_mean(scheme, _samplers),
        )
    for key in ("adapter", "quantization", "vllm"):
        if getattr(checkpoint, key):
            raise ConfigError(
                f"checkpoint {checkpoint.name!r}: the sampler {scheme!r} takes no {key}",
                fix="remove it",
            )
    return CustomModel(scheme, name, *_samplers[scheme])


def _is_scheme(name: str) -> bool:
    return re.fullmatch(r"[a-z][a-z0-9-]+", name) is not None and name not in _TAKEN


@dataclass(frozen=True, slots=True)
class CustomModel:
    """What a registered function draws from.

    Attributes:
        scheme: Under which it is registered.
        name: What follows the colon.
        draw: The function.
        version: Its version.
    """

    scheme: str
    name: str
    draw: Draw
    version: str

    @property
    def identity(self) -> Identity:
        """The name and the version: what is behind them is the function's to know."""
        return Identity(
            weights=f"{self.scheme}:{self.name}",
            adapter=None,
            engine=f"{self.scheme}/{self.version}",
            device="custom",
            dtype="custom",
            versions="",
        )

    @property
    def place(self) -> None:
        """Any number of processes may draw at once."""

    @property
    def shared(self) -> bool:
        """No place, so none that is shared."""
        return False

    def load(self, progress: Progress) -> Engine:  # noqa: ARG002 - there is nothing to load
        """What calls the function."""
        return _CustomEngine(self)


class _CustomEngine:
    def __init__(self, model: CustomModel) -> None:
        self._model = model

    def sample(self, requests: Sequence[Request], progress: Progress) -> Iterator[Sample]:
        """What the function gives, if it is what was asked for."""
        wanted = {(request.prompt, number) for request in requests for number in request.numbers}
        for sample in self._drawn(requests):
            if not isinstance(sample, Sample) or not isinstance(sample.text, str):
                raise self._wrong(f"gave {type(sample).__name__!r}, not a Sample with a text")
            if (sample.prompt, sample.index) not in wanted:
                raise self._wrong(
                    f"gave sample {sample.index} of prompt {sample.prompt!r}, which was not asked "
                    "for or was given before"
                )
            wanted.discard((sample.prompt, sample.index))
            progress.advance(1, sample.tokens or 0)
            yield sample
        if wanted:
            (prompt, number), count = min(wanted), len(wanted)
            raise self._wrong(
                f"left out {count} sample{'s' * (count > 1)}, number {number} of prompt {prompt!r} "
                "for one"
            )

    def swap(self, model: Model) -> bool:  # noqa: ARG002 - another function, or another name
        """Never."""
        return False

    def close(self) -> None:
        """Nothing is held."""

    def _drawn(self, requests: Sequence[Request]) -> Iterator[Sample]:
        try:
            yield from self._model.draw(self._model.name, requests)
        except DiversityError:
            raise
        except Exception as error:
            frame = traceback.extract_tb(error.__traceback__)[-1]
            where = f"{Path(frame.filename).name}:{frame.lineno}"
            kind = type(error).__name__
            raise self._wrong(f"failed in {where}: {kind}: {first_line(error)}") from error

    def _wrong(self, what: str) -> SamplingError:
        return SamplingError(
            f"the sampler {self._model.scheme!r} {what}",
            fix="mend the function that was registered; what it gave before is kept",
        )
