"""A budget as it is written: bounds on a level, and on a change."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal, get_args

from pytest_diversity.config.checks import as_float, shown
from pytest_diversity.errors import ConfigError, did_you_mean

__all__ = ["BOUNDS", "CHANGES", "Budget", "Change", "Level"]

CHANGES = ("max_drop", "max_rise", "max_quality_loss", "max_narrowing")
_PARTS = ("max_quality_loss", "max_narrowing")
BOUNDS = ("min", "max", *CHANGES, "worst_group_min")
Level = Literal["error", "warn", "off"]


@dataclass(frozen=True, slots=True)
class Change:
    """How much a value may change: `0.02`, or a share of the reference's value, `"5%"`."""

    amount: float
    relative: bool

    def __str__(self) -> str:
        """As it was written."""
        return f"{self.amount * 100:g}%" if self.relative else f"{self.amount:g}"

    @classmethod
    def parse(cls, value: object) -> Change:
        """Read `0.02` or `"5%"`.

        Raises:
            ConfigError: It is neither, or negative, or above 100 %.
        """
        percent = (
            re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*%\s*", value) if isinstance(value, str) else None
        )
        if percent:
            change = cls(float(percent[1]) / 100, relative=True)
        elif isinstance(value, int | float) and not isinstance(value, bool):
            change = cls(as_float(value), relative=False)
        else:
            raise ConfigError(f"{shown(value)} is not a change", fix='write it as 0.02 or as "5%"')
        if not 0 <= change.amount < math.inf or (change.relative and change.amount > 1):
            raise ConfigError(f"a change of {shown(value)} is out of range", fix="0% to 100%")
        return change


@dataclass(frozen=True, slots=True)
class Budget:
    """What a family of a domain must keep to.

    Attributes:
        min: Lowest value allowed.
        max: Highest value allowed.
        max_drop: Largest loss of diversity against the reference, paired by prompt.
        max_rise: Largest gain of diversity against the reference, paired by prompt.
        max_quality_loss: Largest part of a loss that fewer valid answers may have.
        max_narrowing: Largest part of a loss that less diversity among valid answers may have.
        worst_group_min: Lowest value allowed for the lowest group of prompts.
        reference: The checkpoint to compare with; `baseline` for what was recorded of the
            checkpoint under test, `baseline:NAME` for what was recorded of another.
        metric: The metric's name; the domain kind's default for the family if None.
        length_control: How changes against a checkpoint are judged; as the domain says if None.
        level: `error` fails the test, `warn` says so in the summary, `off` only measures.
    """

    min: float | None = None
    max: float | None = None
    max_drop: Change | None = None
    max_rise: Change | None = None
    max_quality_loss: Change | None = None
    max_narrowing: Change | None = None
    worst_group_min: float | None = None
    reference: str | None = None
    metric: str | None = None
    length_control: str | None = None
    level: Level = "error"

    def __post_init__(self) -> None:
        """Refuse bounds that are no numbers or contradict each other."""
        for name in ("min", "max", "worst_group_min"):
            bound = getattr(self, name)
            if bound is not None and not _is_number(bound):
                raise ConfigError(
                    f"{name} must be a number, not {shown(bound)}", fix="write it as 0.4"
                )
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ConfigError(f"min {self.min:g} is above max {self.max:g}", fix="swap them")
        if self.level not in get_args(Level):
            raise ConfigError(
                f"unknown level {self.level!r}", fix=did_you_mean(self.level, get_args(Level))
            )

    @property
    def bounds(self) -> bool:
        """Whether it asks for anything."""
        return self.compares or self.levels

    @property
    def levels(self) -> bool:
        """Whether it bounds the value itself."""
        return any(one is not None for one in (self.min, self.max, self.worst_group_min))

    @property
    def compares(self) -> bool:
        """Whether it needs a reference."""
        return bool(self.changes)

    @property
    def changes(self) -> Mapping[str, Change]:
        """The bounds on a change, by name."""
        return {name: one for name in CHANGES if (one := getattr(self, name)) is not None}

    def without_changes(self) -> Budget:
        """The bounds on the level alone."""
        return replace(
            self, max_drop=None, max_rise=None, max_quality_loss=None, max_narrowing=None
        )

    @property
    def parts(self) -> Mapping[str, Change]:
        """Those on a part of it."""
        return {name: one for name, one in self.changes.items() if name in _PARTS}


def _is_number(value: object) -> bool:
    if not isinstance(value, int | float) or isinstance(value, bool):
        return False
    return math.isfinite(as_float(value))
