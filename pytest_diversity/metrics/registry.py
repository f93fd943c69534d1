"""A metric is a value with a canonical name: `pair_distinct(n=4)`.

A metric is written as a pure function over the K samples of one prompt. Its positional parameters
name the features it reads (`tokens`, `trees`, `labels`, ...; one with a default is optional), its
keyword-only parameters are the ones it declares, with their defaults. The decorator registers it:

    @metric(family="lexical", better="up", n=AtLeast(1))
    def distinct(tokens: Tokens, *, n: int = 2) -> float | None: ...

`parse("distinct(n=3)")` gives the value back whose `str` is `distinct(n=3)`, and
`across(distinct(n=3))` is the same function among one sample of each prompt.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import wraps
from importlib import import_module
from typing import Any, TypeVar, cast

from pytest_diversity.errors import ConfigError
from pytest_diversity.functions import registered, same_source
from pytest_diversity.metrics._homes import HOMES
from pytest_diversity.metrics._limits import Limit, check
from pytest_diversity.metrics.definition import ACROSS, Better, Definition, Function, declared

__all__ = ["definitions", "find", "metric", "register", "register_metric"]

Written = TypeVar("Written", bound=Function)

_definitions: dict[str, Definition] = {}


def metric(
    *,
    family: str,
    better: Better,
    highest: float = math.inf,
    unbiased: bool = False,
    fewest: int = 1,
    quality: str | None = None,
    **limits: Limit,
) -> Callable[[Written], Written]:
    """Register the decorated function as a metric of `family` that improves towards `better`.

    Args:
        family: `lexical`, `syntactic`, `semantic`, `effective` or `quality`.
        better: The direction of more diversity (or quality): `up` or `down`.
        highest: The largest value there is, where one is known.
        unbiased: Whether its expected value is the same for any number of samples.
        fewest: The smallest number of samples of a prompt that it is defined for.
        quality: The metric of quality that it is a product with, if its changes can be split.
        limits: What a declared parameter may be, by its name; checked whenever it is given.

    Raises:
        ConfigError: The name is taken, or the function cannot be what it is declared to be.
    """

    def decorate(function: Written) -> Written:
        found = declared(
            function,
            family=family,
            better=better,
            highest=highest,
            unbiased=unbiased,
            fewest=fewest,
            quality=quality,
            limits=limits,
        )
        checked = _checked(function, limits) if limits else function
        _add(replace(found, function=checked))
        return checked

    return decorate


def _checked(function: Written, limits: Mapping[str, Limit]) -> Written:
    @wraps(function)
    def checking(*features: Any, **parameters: Any) -> float | None:
        check(function.__name__, limits, parameters)
        return function(*features, **parameters)

    return cast("Written", checking)


def register(
    function: Function,
    *,
    family: str,
    better: Better,
    highest: float = math.inf,
    unbiased: bool = False,
    fewest: int = 1,
    quality: str | None = None,
    limits: Mapping[str, Limit] | None = None,
) -> None:
    """Register `function` as a metric; a second one of the same name must be the same function.

    Args:
        function: Its positional parameters name the features it reads, its keyword-only ones are
            the parameters that it declares, with plain defaults.
        family: `lexical`, `syntactic`, `semantic`, `effective` or `quality`.
        better: The direction of more diversity (or quality): `up` or `down`.
        highest: The largest value there is, where one is known.
        unbiased: Whether its expected value is the same for any number of samples.
        fewest: The smallest number of samples of a prompt that it is defined for.
        quality: The metric of quality that it is a product with, if its changes can be split.
        limits: What a declared parameter may be, by its name; checked where a metric is named.

    Raises:
        ConfigError: The name is taken, or the function cannot be what it is declared to be.
    """
    _add(
        declared(
            function,
            family=family,
            better=better,
            highest=highest,
            unbiased=unbiased,
            fewest=fewest,
            quality=quality,
            limits=limits or {},
        )
    )


register_metric = register  # as the package calls it, which registers more than metrics


def _add(definition: Definition) -> None:
    name, known = definition.name, _known(definition.name)
    if known is not None and same_source(known.function, definition.function):
        definition = replace(definition, function=known.function)  # so that it stays equal
    elif known is not None or name == ACROSS:
        raise ConfigError(f"a metric named {name!r} exists already", fix="choose another name")
    _definitions[name] = definition


def find(name: str) -> Definition | None:
    """The metric of that name without parameters: ours, or one that the suite registers."""
    return registered(lambda: _known(name))


def _known(name: str) -> Definition | None:
    """One of ours is loaded when it is asked for."""
    if name not in _definitions and name in HOMES:
        import_module(HOMES[name][0])
    return _definitions.get(name)


def definitions() -> Mapping[str, Definition]:
    """All registered metrics by name."""
    for module in dict.fromkeys(module for module, _ in HOMES.values()):
        import_module(module)
    return dict(_definitions)
