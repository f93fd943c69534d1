"""Judges by name: ours, those that a suite registers, a callable, or the source of a model."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from importlib import import_module
from typing import Any, Literal

from pytest_diversity.config.quality import Alike, Quality, Surprise
from pytest_diversity.errors import ConfigError, did_you_mean
from pytest_diversity.functions import registered, same_source
from pytest_diversity.judges.protocol import Judge, each
from pytest_diversity.judges.tools import Tools

__all__ = ["NAMED", "check", "find", "register_judge"]


@dataclass(frozen=True, slots=True)
class _Own:
    """A file of this folder, loaded when a domain names it, and the keys that it alone reads."""

    home: str
    keys: tuple[str, ...] = ()

    def find(self, quality: Quality, tools: Tools) -> Judge:
        module = import_module(f"pytest_diversity.judges.{self.home}")
        found: Judge = module.find(quality, tools)
        return found


# By their whole name, or by what stands before its first colon.
NAMED = {
    "well_formed": _Own("well_formed"),
    "adequate": _Own("adequate", ("scorer",)),
    "callable": _Own("function"),
    "reward": _Own("reward"),
    "llm": _Own("llm", ("rubric", "max_calls")),
}
# Those of `Alike.MODELS`: what tells whether two answers mean the same, scored as answers are.
_OF_TWO = {
    "cross_encoder": _Own("cross_encoder"),
    "llm": NAMED["llm"],
}
_OF_ORDERS = {"surprise": _Own("surprise")}
_BY_USE = {Quality: NAMED, Alike: _OF_TWO, Surprise: _OF_ORDERS}
_registered: dict[str, tuple[Callable[..., Any], Judge]] = {}
_COMMON = {"judge", "threshold", "percentile"}


def find(quality: Quality, tools: Tools) -> Judge:
    """The judge that a domain names.

    Raises:
        ConfigError: There is none of that name, or it does not read one of the keys.
        CheckpointError: It names a model that is not there.
    """
    name = quality.judge
    own = _BY_USE[type(quality)].get(name.partition(":")[0])
    for key in {field.name for field in fields(quality)} - _COMMON:
        if getattr(quality, key) is not None and key not in (own.keys if own else ()):
            raise ConfigError(f"the judge {name!r} takes no {key}", fix="remove it")
    if own is not None:
        return own.find(quality, tools)
    known = registered(lambda: _registered.get(name))
    if known is None:
        raise ConfigError(
            f"unknown judge {name!r}",
            fix=did_you_mean(name, {*NAMED, *_registered}) or "register it, or name a callable",
        )
    return known[1]


def check(quality: Quality, tools: Tools) -> None:
    """Find out before anything is drawn that a domain names no judge; load no model.

    Raises:
        ConfigError: There is none of that name, or the threshold is outside its range.
        CheckpointError: It names a model that is not there.
    """
    judge = find(quality, tools)
    if quality.threshold is not None:
        judge.check(quality.threshold)


def register_judge(
    function: Callable[..., Any],
    *,
    version: str,
    name: str | None = None,
    better: Literal["up", "down"] = "up",
    low: float = 0.0,
    high: float = 1.0,
    threshold: float | None = None,
    batched: bool = False,
    note: str = "",
) -> None:
    """Make `function` a judge that `quality = "NAME"` can name.

    Args:
        function: `(prompt, text) -> score`, or None where it has none to give. If `batched`, a
            sequence of (prompt, text) -> as many scores, in order.
        version: Part of what scores are remembered by: raise it when it would give others.
        name: Its name; the function's own if None.
        better: The direction of better answers: `up` or `down`.
        low: The lowest score there is.
        high: The highest.
        threshold: From which score on a text is an answer, unless a domain says otherwise.
        batched: Whether it scores many at once.
        note: What must be said beside values that rest on it.

    Raises:
        ConfigError: The name is taken or is none, or range and threshold do not fit.
    """
    chosen = str(name or getattr(function, "__name__", ""))
    if not re.fullmatch(r"[A-Za-z_][\w-]*", chosen):
        raise ConfigError(f"a judge cannot be named {chosen!r}", fix='name it as in "polite"')
    score = function if batched else each(function)
    judge = Judge(chosen, str(version), score, better, low, high, threshold, note)
    known = _registered.get(chosen)
    if chosen in NAMED or (known is not None and not _same(known, function, judge)):
        raise ConfigError(f"a judge named {chosen!r} exists already", fix="choose another name")
    _registered[chosen] = known or (function, judge)


def _same(known: tuple[Callable[..., Any], Judge], function: Any, judge: Judge) -> bool:
    """Whether a hook that was called again registers what it did before."""
    return same_source(known[0], function) and known[1] == replace(judge, score=known[1].score)
