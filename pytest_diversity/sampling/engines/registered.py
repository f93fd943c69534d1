"""Samplers of one's own: a function that draws, for checkpoints `SCHEME:NAME`.

For whatever is neither weights nor a server with the OpenAI API: another service's client, an
agent, a program. Its samples are kept and judged as all others are.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from pytest_diversity.checkpoints.sources import is_scheme
from pytest_diversity.config.values import Checkpoint
from pytest_diversity.errors import (
    ConfigError,
    DiversityError,
    SamplingError,
    did_you_mean,
    unexpected,
)
from pytest_diversity.functions import registered, same_source
from pytest_diversity.samples import Sample
from pytest_diversity.sampling.protocol import Engine, Identity, Model, Progress, Request, Setup
from pytest_diversity.text import plural

__all__ = ["Draw", "RegisteredModel", "Request", "Sample", "find", "register_sampler"]

Draw = Callable[[str, Sequence[Request]], Iterable[Sample]]
_samplers: dict[str, tuple[Draw, str]] = {}


def register_sampler(scheme: str, draw: Draw, *, version: str) -> None:
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
    if not is_scheme(scheme):
        raise ConfigError(f"a sampler cannot be named {scheme!r}", fix="lower-case letters, digits")
    known = _samplers.get(scheme)
    if known is not None and not (known[1] == version and same_source(known[0], draw)):
        raise ConfigError(f"a sampler named {scheme!r} exists already", fix="choose another name")
    _samplers[scheme] = (draw, version)


def find(checkpoint: Checkpoint, setup: Setup) -> RegisteredModel:
    """The registered sampler that a checkpoint names by `SCHEME:NAME`.

    Raises:
        ConfigError: There is no such sampler, or the checkpoint has what only weights have.
    """
    scheme, _, name = checkpoint.source.partition(":")
    sampler = registered(lambda: _samplers.get(scheme))
    if sampler is None:
        raise ConfigError(
            f"checkpoint {checkpoint.name!r}: no sampler {scheme!r} is registered",
            fix=did_you_mean(scheme, _samplers),
        )
    for key in ("adapter", "quantization", "vllm", "template", "chat_template_kwargs"):
        if getattr(checkpoint, key):
            raise ConfigError(
                f"checkpoint {checkpoint.name!r}: the sampler {scheme!r} takes no {key}",
                fix="remove it",
            )
    return RegisteredModel(scheme, name, *sampler, setup.options.deterministic)


@dataclass(frozen=True, slots=True)
class RegisteredModel:
    """What a registered function draws from.

    Attributes:
        scheme: Under which it is registered.
        name: What follows the colon.
        draw: The function.
        version: Its version.
        deterministic: Whether a sample is to be the same text however it is drawn.
    """

    scheme: str
    name: str
    draw: Draw
    version: str
    deterministic: bool = False

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
    def digest(self) -> str:
        """Of its name and that of its sampler."""
        return self.identity.of_name

    @property
    def place(self) -> None:
        """Any number of processes may draw at once."""

    @property
    def shared(self) -> bool:
        """No place, so none that is shared."""
        return False

    def load(self, progress: Progress) -> Engine:
        """What calls the function."""
        if self.deterministic:
            progress.say(
                f"--diversity-deterministic cannot see to the sampler {self.scheme!r}: "
                "whether its texts repeat is its function's to know"
            )
        return _RegisteredEngine(self)


class _RegisteredEngine:
    def __init__(self, model: RegisteredModel) -> None:
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
                f"left out {plural(count, 'sample')}, number {number} of prompt {prompt!r} for one"
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
            raise self._wrong(f"failed in {where}: {unexpected(error)}") from error

    def _wrong(self, what: str) -> SamplingError:
        return SamplingError(
            f"the sampler {self._model.scheme!r} {what}",
            fix="correct the function that was registered; what it gave before is kept",
        )
