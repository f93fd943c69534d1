"""What the declared parameters of metrics may be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import inf
from typing import Any, Protocol

from pytest_diversity.errors import ConfigError

__all__ = ["Above", "AtLeast", "Limit", "OneOf", "check"]


class Limit(Protocol):
    """A condition on a parameter; its `str` completes the sentence "n must be ..."."""

    def allows(self, value: Any) -> bool:
        """Whether `value` keeps it."""


@dataclass(frozen=True, slots=True)
class AtLeast:
    """A number from `lowest` up to `highest`."""

    lowest: float
    highest: float = inf

    def allows(self, value: Any) -> bool:
        """Whether `value` keeps it; not a number does not."""
        return bool(self.lowest <= value <= self.highest)

    def __str__(self) -> str:
        upper = "" if self.highest == inf else f" and at most {self.highest:g}"
        return f"at least {self.lowest:g}{upper}"


@dataclass(frozen=True, slots=True)
class Above:
    """A number above `lowest`, up to `highest`."""

    lowest: float
    highest: float = inf

    def allows(self, value: Any) -> bool:
        """Whether `value` keeps it; not a number does not."""
        return bool(self.lowest < value <= self.highest)

    def __str__(self) -> str:
        upper = "" if self.highest == inf else f" and at most {self.highest:g}"
        return f"above {self.lowest:g}{upper}"


@dataclass(frozen=True, slots=True)
class OneOf:
    """One of a few words."""

    words: tuple[str, ...]

    def allows(self, value: Any) -> bool:
        """Whether `value` keeps it."""
        return value in self.words

    def __str__(self) -> str:
        return " or ".join(map(repr, self.words))


def check(metric: str, limits: Mapping[str, Limit], parameters: Mapping[str, Any]) -> None:
    """Refuse parameters that break their limit.

    Raises:
        ConfigError: One does.
    """
    for name, limit in limits.items():
        if name in parameters and not _keeps(limit, parameters[name]):
            raise ConfigError(
                f"parameter {name!r} of metric {metric!r} must be {limit}, "
                f"not {parameters[name]!r}",
                fix="change it",
            )


def _keeps(limit: Limit, value: Any) -> bool:
    try:
        return limit.allows(value)
    except TypeError:  # not comparable with a number
        return False
