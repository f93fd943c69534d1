"""Recorded samples as a checkpoint: `replay = { path = "...", map = {...}, only = {...} }`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pytest_diversity.config.checks import shown, typed
from pytest_diversity.errors import ConfigError, did_you_mean

__all__ = ["FIELDS", "Recorded"]

# What `map` can say the place of: the fields of a sample that a file may know.
FIELDS = ("prompt", "text", "index", "domain", "finish_reason", "tokens", "logprob", "thought")
_KEYS = {"path": str, "map": dict, "only": dict}


@dataclass(frozen=True, slots=True)
class Recorded:
    """Where samples are recorded, and how their file is read.

    Attributes:
        path: A file, or a folder of them.
        map: The place of each of our fields in a row, as a key or a dotted path.
        only: What stands at a dotted path of the rows that count; the others are left out.
    """

    path: str
    map: Mapping[str, str] = field(default_factory=dict)
    only: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def parse(cls, given: Mapping[str, Any]) -> Recorded:
        """What a table says.

        Raises:
            ConfigError: It has no path, or a key or a value that is none of its own.
        """
        for key, value in given.items():
            if key not in _KEYS:
                raise ConfigError(f"unknown key {key!r} of replay", fix=did_you_mean(key, _KEYS))
            typed(key, value, _KEYS[key])
        if not given.get("path"):
            raise ConfigError("replay has no path", fix='add path = "samples.jsonl"')
        for name, place in given.get("map", {}).items():
            if name not in FIELDS:
                raise ConfigError(
                    f"map names no field of a sample: {name!r}", fix=did_you_mean(name, FIELDS)
                )
            if not isinstance(place, str) or not place:
                raise ConfigError(
                    f"map says {name} = {shown(place)}, which is no key",
                    fix='write it as "generation", or as "response.choices.0.text"',
                )
        for place, value in given.get("only", {}).items():
            if not isinstance(value, str | int | float):
                raise ConfigError(
                    f"only says {place} = {shown(value)}", fix="give it a text or a number"
                )
        return cls(**given)
