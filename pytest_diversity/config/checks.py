"""Whether a value fits its row of the table of keys; what is wrong with it in a sentence."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any

from pytest_diversity.config.keys import Key
from pytest_diversity.errors import ConfigError, did_you_mean

__all__ = ["KINDS", "as_float", "check", "check_passed", "read", "shown", "typed"]

# What a value must be, by its kind.
KINDS: Mapping[type, str] = {
    str: "a string",
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    dict: "a table",
    list: "a list",
}
SWITCHES: Mapping[str, bool] = {
    **dict.fromkeys(("1", "true", "yes", "on"), True),
    **dict.fromkeys(("0", "false", "no", "off"), False),
}
_SHOWN = 60  # characters of a wrong value, which may be a page long


def read(key: Key, text: str) -> Any:
    """The value that a text of the command line or the environment stands for.

    Raises:
        ConfigError: It stands for none, or the value is out of range.
    """
    value: Any = text
    if key.kind is bool:
        return _switch(key, text)
    if key.kind in (int, float):
        with suppress(ValueError):  # the check of its kind says so
            value = key.kind(text)
    return check(key, value)


def _switch(key: Key, text: str) -> bool:
    word = text.strip().lower()
    if word not in SWITCHES:
        message = f"{key.name!r} must be {KINDS[bool]}, not {shown(text)}"
        raise ConfigError(message, fix=f"write one of {', '.join(sorted(SWITCHES))}")
    return SWITCHES[word]


def check(key: Key, value: Any) -> Any:
    """The value, where it is of the key's kind, in its range and one of its choices.

    Raises:
        ConfigError: It is not.
    """
    value = typed(key.name, value, key.kind)
    if key.low is not None and (value < key.low or (key.above and value == key.low)):
        bound = "above" if key.above else "at least"
        raise ConfigError(f"{key.name!r} must be {bound} {key.low}", fix="raise it")
    if key.high is not None and value > key.high:
        raise ConfigError(f"{key.name!r} must be at most {key.high}", fix="lower it")
    if key.choices and value not in key.choices:
        raise ConfigError(
            f"unknown {key.name} {shown(value)}", fix=did_you_mean(value, key.choices)
        )
    return value


def typed(name: str, value: Any, kind: type) -> Any:
    """The value, where it is of that kind; a whole number may stand for a number.

    Raises:
        ConfigError: It is of another kind, or no finite number.
    """
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        value = as_float(value)
    if kind is float and isinstance(value, float) and not math.isfinite(value):
        raise ConfigError(
            f"{name!r} must be a finite number, not {value!r}", fix="change its value"
        )
    if not isinstance(value, kind) or (kind in (int, float) and isinstance(value, bool)):
        raise ConfigError(
            f"{name!r} must be {KINDS[kind]}, not {shown(value)}", fix="change its value"
        )
    return value


def check_passed(
    what: str, arguments: Mapping[str, Any], ours: Iterable[str], guide: str
) -> Mapping[str, Any]:
    """What is passed on as it stands, if it is JSON and says nothing that the run says.

    Args:
        what: Its name in an error.
        arguments: To be passed on.
        ours: What only the run may say.
        guide: The document that says more.

    Raises:
        ConfigError: It is neither.
    """
    try:
        json.dumps(arguments, allow_nan=False)
    except (TypeError, ValueError):
        raise ConfigError(
            f"{what} holds what JSON cannot", fix="no dates, no inf, no nan"
        ) from None
    for name in sorted({*ours} & arguments.keys()):
        raise ConfigError(f"{what} must not set {name!r}, which the run sets", fix=f"see {guide}")
    return arguments


def as_float(number: float) -> float:
    """A number of Python as a float; infinite where it is beyond every float."""
    try:
        return float(number)
    except OverflowError:
        return math.inf if number > 0 else -math.inf


def shown(value: object) -> str:
    """A wrong value, cut short for a sentence."""
    try:
        text = repr(value)
    except (ValueError, RecursionError):  # a number of thousands of digits, or deep lists
        return f"what is too long to show: {KINDS.get(type(value), 'a value')}"
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."
