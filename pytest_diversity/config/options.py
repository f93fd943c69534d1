"""The settings of a run: command line, environment, file, default, in this order."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pytest_diversity.config.values import Config
from pytest_diversity.errors import ConfigError, did_you_mean

__all__ = ["FLAGS", "OPTIONS", "Options", "resolve"]

PREFIX = "PYTEST_DIVERSITY_"
OPTIONS: Mapping[str, str] = {
    "device": "auto",
    "dtype": "auto",
    "store": ".diversity/samples.sqlite",
    "samples": "",
    "embedder": "",
    "correction": "holm",
    "engine": "transformers",
    "ray_address": "",
    "actors": "",
}

CORRECTIONS = ("holm", "none")
ENGINES = ("transformers", "vllm", "ray")
FLAGS = (
    "strict",
    "allow_execution",
    "unsafe_code",
    "record",
    "record_new",
    "prune",
    "adaptive",
    "deterministic",
    "require_gpu",
    "recover",
)


@dataclass(frozen=True, slots=True)
class Options:
    """Settings that are not part of a domain.

    Attributes:
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
        adaptive: Whether samples of every domain are drawn in steps.
        deterministic: Whether a sample is the same text however it is drawn; needs float32.
        recover: Whether a damaged store is mended before anything is drawn.
        require_gpu: Whether a run without a GPU is refused.
        record: Whether what runs is recorded as baseline.
        record_new: Whether what runs and has no baseline yet is recorded.
        prune: Whether baselines that no test uses any more are removed.
        origins: Where each setting that is not a default came from.
    """

    device: str = "auto"
    dtype: str = "auto"
    store: Path = Path(OPTIONS["store"])
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
    adaptive: bool = False
    deterministic: bool = False
    require_gpu: bool = False
    recover: bool = False
    record: bool = False
    record_new: bool = False
    prune: bool = False
    origins: Mapping[str, str] = field(default_factory=dict)


def resolve(given: Mapping[str, Any], config: Config, root: Path) -> Options:
    """Combine the command line's options with the environment and the file.

    Args:
        given: Options by name, None where the command line does not say.
        config: The file's settings.
        root: What a relative path of the store is relative to.

    Raises:
        ConfigError: A value cannot be used.
    """
    values, origins = {}, {}
    for name, default in OPTIONS.items():
        sources = {
            "command line": given.get(name),
            "environment": os.environ.get(PREFIX + name.upper()),
            config.path.name if config.path else "file": config.settings.get(name),
        }
        found = [(origin, value) for origin, value in sources.items() if value]
        values[name] = found[0][1] if found else default
        if found:
            origins[name] = found[0][0]
    flags = {name: _flag(name, given) for name in FLAGS}
    return Options(
        device=values["device"],
        dtype=_dtype(values["dtype"], origins, deterministic=flags["deterministic"]),
        store=root / Path(values["store"]).expanduser(),
        samples=_count(values["samples"], "samples per prompt", "samples", origins),
        embedder=values["embedder"] or None,
        correction=_one_of("correction", values, CORRECTIONS, origins),
        engine=_one_of("engine", values, ENGINES, origins),
        ray_address=values["ray_address"] or None,
        actors=_count(values["actors"], "actors", "actors", origins),
        vllm=config.vllm,
        origins=origins,
        **flags,
    )


def _flag(name: str, given: Mapping[str, Any]) -> bool:
    return bool(given.get(name)) or os.environ.get(PREFIX + name.upper()) == "1"


def _dtype(value: str, origins: Mapping[str, str], *, deterministic: bool) -> str:
    """In bfloat16 a product depends on its batch, so that a sample would, too."""
    if not deterministic:
        return value
    if value not in {"auto", "float32"}:
        raise ConfigError(
            f"--diversity-deterministic needs float32, and dtype is {value!r} ({origins['dtype']})",
            fix="leave one of the two out",
        )
    return "float32"


def _one_of(
    name: str, values: Mapping[str, str], known: tuple[str, ...], origins: Mapping[str, str]
) -> str:
    if values[name] not in known:
        raise ConfigError(
            f"unknown {name} {values[name]!r} ({origins.get(name, '')})",
            fix=did_you_mean(values[name], known),
        )
    return values[name]


def _count(value: str, what: str, name: str, origins: Mapping[str, str]) -> int | None:
    if not value:
        return None
    if not value.isdecimal() or int(value) < 1:
        raise ConfigError(
            f"{value!r} {what} ({origins.get(name, '')}) is not a number above 0",
            fix=f"for example --diversity-{name} 16",
        )
    return int(value)
