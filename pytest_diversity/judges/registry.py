"""Judges by name: ours, those that a suite registers, a callable, or the source of a model."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, MutableMapping, Sequence
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from typing import Any, Literal, Protocol

from pytest_diversity.config.quality import Quality
from pytest_diversity.errors import ConfigError, JudgeError, did_you_mean, first_line
from pytest_diversity.functions import registered, same_source
from pytest_diversity.judges.protocol import Judge, Pair

__all__ = ["NAMED", "Tools", "check", "find", "register_judge"]

# Our own judges: each is a file of this folder with a function, loaded when a domain names it.
NAMED = {
    "well_formed": "pytest_diversity.judges.well_formed:find",
    "adequate": "pytest_diversity.judges.adequate:find",
}
_CALLABLE = "callable:"
_registered: dict[str, tuple[Callable[..., Any], Judge]] = {}


class _Embed(Protocol):
    def __call__(self, texts: Sequence[str], /) -> Any: ...


@dataclass(frozen=True, slots=True)
class Tools:
    """What a judge may work with; each is looked for when it is used.

    Attributes:
        embed: Sentence embeddings of texts.
        embedder: A digest of what embeds.
        device: `auto` or a torch device.
        root: What relative paths are relative to.
        facts: Remembers digests of files.
        folder: Where a GGUF file's weights are kept once converted; None to convert them each time.
    """

    embed: _Embed
    embedder: Callable[[], str]
    device: str
    root: Path
    facts: MutableMapping[str, str]
    folder: Path | None = None


def find(quality: Quality, tools: Tools) -> Judge:
    """The judge that a domain names.

    Raises:
        ConfigError: There is none of that name.
        CheckpointError: It names a model that is not there.
    """
    name = quality.judge
    if name in NAMED:
        module, _, function = NAMED[name].partition(":")
        found: Judge = getattr(import_module(module), function)(quality, tools)
        return found
    if quality.scorer is not None:
        raise ConfigError(f"the judge {name!r} takes no scorer", fix="remove it")
    if name.startswith(_CALLABLE):
        return _of_function(name, name.removeprefix(_CALLABLE))
    known = registered(lambda: _registered.get(name))
    if known is not None:
        return known[1]
    raise ConfigError(
        f"unknown judge {name!r}",
        fix=did_you_mean(name, {*NAMED, *_registered}) or "register it, or name a callable",
    )


def check(quality: Quality) -> None:
    """Find out before anything is drawn that a domain names no judge; load no model.

    Raises:
        ConfigError: There is none of that name, or the threshold is outside its range.
    """
    low, high = 0.0, 1.0
    if quality.judge not in NAMED:
        found = find(quality, Tools(lambda _: None, str, "auto", Path(), {}))
        low, high = found.low, found.high
    if quality.threshold is not None and not low <= quality.threshold <= high:
        raise ConfigError(
            f"threshold {quality.threshold:g} is outside the range of {quality.judge!r}, "
            f"{low:g} to {high:g}",
            fix="change the threshold",
        )


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
    chosen = name or getattr(function, "__name__", "")
    if not re.fullmatch(r"[A-Za-z_][\w-]*", chosen):
        raise ConfigError(f"a judge cannot be named {chosen!r}", fix='name it as in "polite"')
    if better not in ("up", "down") or not low < high:
        raise ConfigError(
            f"the judge {chosen!r} has the range {low} to {high}, better {better!r}",
            fix='give low < high, and better="up" or "down"',
        )
    if threshold is not None and not low <= threshold <= high:
        raise ConfigError(
            f"the judge {chosen!r} has the threshold {threshold}, outside {low} to {high}",
            fix="change one of them",
        )
    score = function if batched else _each(function)
    judge = Judge(chosen, str(version), score, better, low, high, threshold, note)
    known = _registered.get(chosen)
    if chosen in NAMED or (known is not None and not _same(known, function, judge)):
        raise ConfigError(f"a judge named {chosen!r} exists already", fix="choose another name")
    _registered[chosen] = known or (function, judge)


def _same(known: tuple[Callable[..., Any], Judge], function: Any, judge: Judge) -> bool:
    """Whether a hook that was called again registers what it did before."""
    return same_source(known[0], function) and known[1] == replace(judge, score=known[1].score)


def _each(function: Callable[[str, str], Any]) -> Callable[[Sequence[Pair]], Iterator[Any]]:
    return lambda pairs: (function(prompt, text) for prompt, text in pairs)


def _of_function(name: str, path: str) -> Judge:
    """`MODULE:FUNCTION`, whose `version` is its own attribute or the digest of its source."""
    module, _, attribute = path.partition(":")
    try:
        function = getattr(import_module(module), attribute)
    except (ImportError, AttributeError, ValueError) as error:
        raise ConfigError(
            f"the judge {name!r} cannot be found: {first_line(error)}",
            fix='write quality = "callable:MODULE:FUNCTION"',
        ) from None
    except Exception as error:  # a module of the user's may raise anything
        raise JudgeError(
            f"the judge {name!r} cannot be imported: {first_line(error)}", fix="mend its module"
        ) from error
    if not callable(function):
        raise ConfigError(f"{path} is no function", fix="name one: (prompt, text) -> score")
    return Judge(
        name,
        _version(function),
        _each(function),
        getattr(function, "better", "up"),
        getattr(function, "low", 0.0),
        getattr(function, "high", 1.0),
        getattr(function, "threshold", 0.5),
    )


def _version(function: Any) -> str:
    """As it says; else of its source, so that scores of an edited function are not taken for its.

    What the function calls is not seen: a function that changes elsewhere says its version.
    """
    said = getattr(function, "version", None)
    if said is not None:
        return str(said)
    import hashlib  # noqa: PLC0415 - rarely asked
    import inspect  # noqa: PLC0415 - likewise

    try:
        source = inspect.getsource(function)
    except (OSError, TypeError):
        return "unknown"
    return hashlib.sha256(source.encode()).hexdigest()[:12]
