"""`quality = ...` and `equivalence = ...` of a domain: which judge, and from which score on."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, ClassVar, Self

from pytest_diversity.config.checks import as_float, shown
from pytest_diversity.errors import ConfigError, did_you_mean

__all__ = ["Alike", "Quality", "Surprise"]

_PERCENTILE = re.compile(r"reference:p(\d{1,2}(?:\.\d+)?)")


@dataclass(frozen=True, slots=True)
class Quality:
    """A judge, by its name, and a threshold.

    Attributes:
        judge: `well_formed`, `adequate`, a registered one, `callable:MODULE:FUNCTION`, or the
            source of a reward model.
        threshold: From which score on a text is an answer; the judge's own if None.
        percentile: In place of a threshold: this percentile of the reference's scores.
        scorer: The language model that `adequate` scores likelihoods with; the one at hand if None,
            none where it is `none`.
        rubric: What an `llm:CHECKPOINT` is asked, with `{prompt}` and `{answer}`; or a file of it.
        max_calls: How often it is asked in a run at most, repeated requests included.
    """

    KEY: ClassVar[str] = "quality"
    EXAMPLE: ClassVar[str] = "adequate"

    judge: str
    threshold: float | None = None
    percentile: float | None = None
    scorer: str | None = None
    rubric: str | None = None
    max_calls: int | None = None

    def at(self, percentile: float) -> Quality:
        """The same judge, with this percentile of the reference's scores as its threshold."""
        return replace(self, threshold=None, percentile=percentile)

    @classmethod
    def parse(cls, value: object) -> Self:
        """Read `"adequate"`, or `{ judge = "adequate", threshold = 0.4 }`.

        The threshold is a score, or `"reference:p20"`.

        Raises:
            ConfigError: It is neither, or has an unknown key.
        """
        if isinstance(value, cls):
            return value
        if isinstance(value, str):
            value = {"judge": value}
        if not isinstance(value, Mapping):
            raise ConfigError(
                f"{cls.KEY} cannot be {shown(value)}", fix=f'write {cls.KEY} = "{cls.EXAMPLE}"'
            )
        known = {field.name for field in fields(cls)} - {"percentile"}
        for key in value:
            if key not in known:
                raise ConfigError(
                    f"{cls.KEY} has the unknown key {shown(key)}", fix=did_you_mean(str(key), known)
                )
        calls = value.get("max_calls")
        if calls is not None and (type(calls) is not int or calls < 1):
            raise ConfigError(f"max_calls cannot be {shown(calls)}", fix="write a whole number")
        for key in ("judge", "scorer", "rubric"):
            said = value.get(key, "" if key == "judge" else None)
            if said is not None and (not isinstance(said, str) or not said.strip()):
                raise ConfigError(
                    f"{cls.KEY} needs the name of a {key}, not {shown(said)}",
                    fix=f'write {cls.KEY} = {{ judge = "{cls.EXAMPLE}" }}',
                )
        return cls(**{**value, **_threshold(cls.KEY, value.get("threshold"))})


@dataclass(frozen=True, slots=True)
class Alike(Quality):
    """What tells whether two answers mean the same, said as a judge of quality is.

    A rule of ours by its name, `callable:MODULE:FUNCTION`, or a model that is asked about two
    answers: `cross_encoder:SOURCE` or `llm:CHECKPOINT`, whose rubric has `{one}` and `{other}`.
    """

    KEY: ClassVar[str] = "equivalence"
    EXAMPLE: ClassVar[str] = "similarity"
    MODELS: ClassVar[frozenset[str]] = frozenset({"cross_encoder", "llm"})

    @property
    def kind(self) -> str:
        """What stands before the first colon of its name."""
        return self.judge.partition(":")[0]

    def __post_init__(self) -> None:
        """Refuse a percentile: no reference says how alike two answers are.

        Raises:
            ConfigError: There is one.
        """
        if self.percentile is not None:
            raise ConfigError(
                "the threshold of equivalence cannot be a percentile",
                fix="write a score such as 0.5",
            )


class Surprise(Quality):
    """What tells how surprising an answer is, named as a judge of quality is: `surprise:SOURCE`."""

    __slots__ = ()


def _threshold(key: str, value: object) -> dict[str, Any]:
    if value is None:
        return {"threshold": None}
    if isinstance(value, str) and (found := _PERCENTILE.fullmatch(value.strip())):
        return {"threshold": None, "percentile": float(found[1])}
    if isinstance(value, int | float) and not isinstance(value, bool):
        number = as_float(value)
        if math.isfinite(number):
            return {"threshold": number}
    raise ConfigError(
        f"the threshold of {key} cannot be {shown(value)}",
        fix="write a score such as 0.4" + (', or "reference:p20"' if key == Quality.KEY else ""),
    )
