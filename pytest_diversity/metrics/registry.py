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

import ast
import inspect
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import wraps
from typing import Any, Literal, TypeVar, cast

from pytest_diversity.errors import ConfigError, did_you_mean
from pytest_diversity.metrics._limits import Limit, check

__all__ = ["Better", "Definition", "Metric", "definitions", "metric", "parse", "register"]

Better = Literal["up", "down"]
Value = float | str  # whole numbers are floats to the type checker
Function = TypeVar("Function", bound=Callable[..., float | None])

_definitions: dict[str, Definition] = {}
_ACROSS = "across"


@dataclass(frozen=True, slots=True)
class Definition:
    """What is known of a metric before its parameters are chosen.

    Attributes:
        function: The pure function: features of one prompt's samples -> value, None if undefined.
        family: `lexical`, `syntactic`, `semantic`, `effective` or `quality`.
        better: The direction of more diversity (or quality): `up` or `down`.
        features: Names of the features it must be given.
        optional: Names of the features it uses where the domain has them.
        defaults: Its declared parameters.
        limits: What they may be.
        highest: The largest value there is, infinite where none is known; the least is never below
            0. Of a metric that ends at 1, intervals do too, and no budget can lie beyond it.
    """

    function: Callable[..., float | None]
    family: str
    better: Better
    features: tuple[str, ...]
    optional: tuple[str, ...]
    defaults: Mapping[str, Value]
    limits: Mapping[str, Limit] = field(default_factory=dict)
    highest: float = math.inf

    @property
    def name(self) -> str:
        """The name of the function, without parameters."""
        return self.function.__name__


@dataclass(frozen=True, slots=True)
class Metric:
    """A metric with its parameters chosen; equal metrics have equal names.

    Attributes:
        definition: The registered definition.
        parameters: (name, value) of every declared parameter, in declared order.
        across: Whether it is taken among one sample of each prompt, not the samples of one.
    """

    definition: Definition
    parameters: tuple[tuple[str, Value], ...]
    across: bool = False

    def __str__(self) -> str:
        """The canonical name, which `parse` reads back."""
        arguments = ", ".join(f"{name}={_render(value)}" for name, value in self.parameters)
        name = f"{self.definition.name}({arguments})"
        return f"across({name})" if self.across else name

    __repr__ = __str__

    def __hash__(self) -> int:
        """The identity is the canonical name."""
        return hash(str(self))

    def __call__(self, **features: Any) -> float | None:
        """The value for one prompt, None where it is undefined."""
        return self.definition.function(**features, **dict(self.parameters))


def metric(
    *, family: str, better: Better, highest: float = math.inf, **limits: Limit
) -> Callable[[Function], Function]:
    """Register the decorated function as a metric of `family` that improves towards `better`.

    Args:
        family: `lexical`, `syntactic`, `semantic`, `effective` or `quality`.
        better: The direction of more diversity (or quality): `up` or `down`.
        highest: The largest value there is, where one is known.
        limits: What a declared parameter may be, by its name; checked whenever it is given.
    """

    def decorate(function: Function) -> Function:
        checked = _checked(function, limits) if limits else function
        register(checked, family=family, better=better, highest=highest, limits=limits)
        return checked

    return decorate


def _checked(function: Function, limits: Mapping[str, Limit]) -> Function:
    @wraps(function)
    def checking(*features: Any, **parameters: Any) -> float | None:
        check(function.__name__, limits, parameters)
        return function(*features, **parameters)

    return cast("Function", checking)


def register(
    function: Callable[..., float | None],
    *,
    family: str,
    better: Better,
    highest: float = math.inf,
    limits: Mapping[str, Limit] | None = None,
) -> None:
    """Register `function` as a metric; a second one of the same name must be the same function.

    Raises:
        ConfigError: The name is taken, or a declared parameter has no plain default.
    """
    name = function.__name__
    known = _definitions.get(name)
    if name == _ACROSS or (known is not None and known.function is not function):
        raise ConfigError(f"a metric named {name!r} exists already", fix="choose another name")
    parameters = inspect.signature(function).parameters.values()
    features = [p for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD]
    declared = {p.name: p.default for p in parameters if p.kind is p.KEYWORD_ONLY}
    for parameter, default in declared.items():
        if not isinstance(default, int | float | str):
            raise ConfigError(
                f"parameter {parameter!r} of metric {name!r} has no default",
                fix="give it a number or a string",
            )
    _definitions[name] = Definition(
        function=function,
        family=family,
        better=better,
        features=tuple(p.name for p in features if p.default is p.empty),
        optional=tuple(p.name for p in features if p.default is not p.empty),
        defaults=declared,
        limits=limits or {},
        highest=highest,
    )


def definitions() -> Mapping[str, Definition]:
    """All registered metrics by name."""
    return dict(_definitions)


def parse(name: str | Metric) -> Metric:
    """The metric of a name such as `pair_distinct`, `pair_distinct(n=3)` or `across(hill(2))`.

    Raises:
        ConfigError: The metric or a parameter is unknown, or a value is not one it may have.
    """
    if isinstance(name, Metric):
        return name
    try:
        tree = ast.parse(name.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        tree = None
    match tree:
        case ast.Call(func=ast.Name(id=across), args=[inner], keywords=[]) if across == _ACROSS:
            return replace(_metric(inner, name), across=True)
    return _metric(tree, name)


def _metric(tree: ast.expr | None, name: str) -> Metric:
    match tree:
        case ast.Name(id=head):
            call = None
        case ast.Call(func=ast.Name(id=head)):
            call = tree
        case _:
            raise ConfigError(
                f"{name!r} is not a metric", fix="write it as in 'pair_distinct(n=4)'"
            )
    definition = _definitions.get(head)
    if definition is None:
        raise ConfigError(f"unknown metric {head!r}", fix=did_you_mean(head, _definitions))
    parameters = dict(definition.defaults)
    for key, value in _bind(definition, call):
        parameters[key] = _coerce(definition, key, value)
    check(head, definition.limits, parameters)
    return Metric(definition, tuple(parameters.items()))


def _bind(definition: Definition, call: ast.Call | None) -> list[tuple[str, Value]]:
    if call is None:
        return []
    declared = list(definition.defaults)
    if len(call.args) > len(declared):
        raise ConfigError(
            f"metric {definition.name!r} takes {len(declared)} parameters, {len(call.args)} given",
            fix=f"its parameters: {', '.join(declared) or 'none'}",
        )
    pairs = list(zip(declared, call.args, strict=False))
    pairs += [(keyword.arg or "**", keyword.value) for keyword in call.keywords]
    return [(key, _literal(definition, key, node)) for key, node in pairs]


def _literal(definition: Definition, key: str, node: ast.expr) -> Value:
    if isinstance(node, ast.Name) and node.id == "inf":
        return math.inf
    try:
        value = ast.literal_eval(node)
    except ValueError:
        value = None
    if isinstance(value, int | float | str):
        return value
    raise ConfigError(
        f"parameter {key!r} of metric {definition.name!r} is not a number or a string",
        fix=f"write it as in {definition.name}({key}={_render(definition.defaults.get(key, 1))})",
    )


def _coerce(definition: Definition, key: str, value: Value) -> Value:
    if key not in definition.defaults:
        raise ConfigError(
            f"metric {definition.name!r} has no parameter {key!r}",
            fix=did_you_mean(key, definition.defaults),
        )
    wanted = type(definition.defaults[key])
    if wanted is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if type(value) is not wanted:
        raise ConfigError(
            f"parameter {key!r} of metric {definition.name!r} must be {wanted.__name__}, "
            f"not {_render(value)}",
            fix=f"its default is {_render(definition.defaults[key])}",
        )
    return value


def _render(value: Value) -> str:
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return repr(value)
