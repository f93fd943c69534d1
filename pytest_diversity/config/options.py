"""The settings of a run: command line, environment, file, default, in this order."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NoReturn

from pytest_diversity.config.checks import read
from pytest_diversity.config.keys import COMMAND, ENVIRONMENT, KEYS, PREFIX, Key, keys_of, places
from pytest_diversity.config.values import Config
from pytest_diversity.errors import ConfigError, did_you_mean
from pytest_diversity.findings import Look, strictly

__all__ = ["Options", "resolve"]

_INVARIANT = {"vllm"}  # engines with kernels that do not depend on the batch in any number format


@dataclass(frozen=True, slots=True)
class Options:
    """Settings that are not part of a domain.

    Attributes:
        since: The first step of training runs whose checkpoint is under test; None for all.
        device: Torch device, or `auto`.
        dtype: Number format, or `auto`.
        store: The store's file.
        samples: Samples per prompt for all domains, None to keep each domain's own.
        embedder: Source of the embedder for all domains, None to keep each domain's own.
        correction: `holm` over the bounds of a checkpoint, or `none`.
        engine: What draws from weights: `transformers` or `vllm` here, `ray` on a cluster.
        ray_address: Of the cluster; None for the one Ray finds, else one of this machine alone.
        actors: How many models the cluster holds at most; None for one a GPU, or else one a CPU.
        vllm: Arguments of vLLM's engine, from the file.
        strict: Whether `unclear` fails.
        allow_execution: Whether programs of every code domain are run.
        unsafe_code: Whether they are run without a sandbox.
        adaptive: Whether samples of every domain are drawn in steps; None to let each domain say.
        deterministic: Whether a sample is the same text however it is drawn; transformers and ray
            need float32 for it.
        recover: Whether a damaged store is recovered before anything is drawn.
        require_gpu: Whether a run without a GPU is refused.
        record: Whether what runs is recorded as baseline.
        record_new: Whether what runs and has no baseline yet is recorded.
        prune: Whether baselines that no test uses any more are removed.
        debug: Whether an error of a library is shown with its traceback.
        origins: Where each setting that is said came from: `command line`, `environment`, or the
            name of the file.
    """

    since: int | None = None
    device: str = "auto"
    dtype: str = "auto"
    store: Path = Path(".diversity/samples.sqlite")
    samples: int | None = None
    embedder: str | None = None
    correction: str = "holm"
    engine: str = "transformers"
    ray_address: str | None = None
    actors: int | None = None
    vllm: Mapping[str, Any] = field(default_factory=dict)
    strict: bool = False
    allow_execution: bool = False
    unsafe_code: bool = False
    adaptive: bool | None = None
    deterministic: bool = False
    require_gpu: bool = False
    recover: bool = False
    record: bool = False
    record_new: bool = False
    prune: bool = False
    debug: bool = False
    origins: Mapping[str, str] = field(default_factory=dict)

    def source(self, name: str) -> str:
        """Where a setting was said, for an error: as `origins` says, or the variable itself."""
        origin = self.origins.get(name, "the default")
        return KEYS[name].variable if origin == ENVIRONMENT else origin

    def shown(self) -> list[str]:
        """What was said and by whom, for the header of a run, which shows the store by its path."""
        said = {name: origin for name, origin in self.origins.items() if name != "store"}
        return [f"{name} {_spelt(getattr(self, name))} ({said[name]})" for name in said]


def resolve(given: Mapping[str, Any], config: Config, root: Path, look: Look = strictly) -> Options:
    """Combine the command line's options with the environment and the file.

    Args:
        given: Options by name, None or False where the command line does not say.
        config: The file's settings.
        root: What a relative path of the store is relative to.
        look: What becomes of an error in one of them, which is left out if it is not raised.

    Raises:
        ConfigError: A value cannot be used, or a variable `PYTEST_DIVERSITY_*` is unknown.
    """
    _check_variables(os.environ, look)
    said = {}
    for key in keys_of(ENVIRONMENT):
        with look("options"):
            if (found := _said(key, given, config)) is not None:
                said[key.name] = found
    options = Options(
        **{name: value for name, (value, _) in said.items()},
        vllm=config.vllm,
        origins={name: origin for name, (_, origin) in said.items()},
    )
    store = root / os.path.expanduser(options.store)  # noqa: PTH111 - an unknown ~user is kept
    dtype = options.dtype
    with look("options"):
        dtype = _dtype(options)
    return replace(options, store=store, dtype=dtype)


def _said(key: Key, given: Mapping[str, Any], config: Config) -> tuple[Any, str] | None:
    """The value of an option and who says so first; an empty text is as if nothing were said."""
    if given.get(key.name):
        return _read(key, given[key.name], COMMAND), COMMAND
    if text := os.environ.get(key.variable):
        return _read(key, text, key.variable), ENVIRONMENT
    if config.settings.get(key.name, "") != "":
        return config.settings[key.name], config.path.name if config.path else "file"
    return None


def _read(key: Key, given: Any, where: str) -> Any:
    if given is True:  # a flag of the command line has no text
        return True
    try:
        return read(key, str(given))
    except ConfigError as error:
        raise ConfigError(f"{error.message} ({where})", fix=error.fix) from None


def _check_variables(environment: Iterable[str], look: Look) -> None:
    """A name that is not ours, or not for the environment, was meant to say something."""
    variables = [key.variable for key in keys_of(ENVIRONMENT)]
    for name in sorted(environment):
        if name.startswith(PREFIX) and name not in variables:
            with look("options"):
                _refuse_variable(name, variables)


def _refuse_variable(name: str, variables: Iterable[str]) -> NoReturn:
    known = {key.variable: key for key in KEYS.values()}
    if name in known:
        raise ConfigError(
            f"{name} cannot stand in the environment", fix=f"it may stand {places(known[name])}"
        )
    raise ConfigError(f"unknown environment variable {name!r}", fix=did_you_mean(name, variables))


def _dtype(options: Options) -> str:
    """In bfloat16 a product depends on its batch, so that a sample would, too.

    Not so where the engine's kernels see to it in every number format.
    """
    if not options.deterministic or options.engine in _INVARIANT:
        return options.dtype
    if options.dtype not in {"auto", "float32"}:
        raise ConfigError(
            "--diversity-deterministic needs float32, "
            f"and dtype is {options.dtype!r} ({options.source('dtype')})",
            fix="leave one of the two out",
        )
    return "float32"


def _spelt(value: object) -> str:
    return ("on" if value else "off") if isinstance(value, bool) else str(value)
