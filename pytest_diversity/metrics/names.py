"""The metric of a canonical name: `pair_distinct(n=4)`, `across(hill(q=2))`."""

from __future__ import annotations

import ast
import math
from dataclasses import replace

from pytest_diversity.errors import ConfigError, did_you_mean
from pytest_diversity.metrics._limits import check
from pytest_diversity.metrics.definition import ACROSS, Definition, Metric, Value, render
from pytest_diversity.metrics.registry import definitions, find

__all__ = ["parse"]


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
        case ast.Call(func=ast.Name(id=across), args=[inner], keywords=[]) if across == ACROSS:
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
    definition = find(head)
    if definition is None:
        raise ConfigError(f"unknown metric {head!r}", fix=did_you_mean(head, definitions()))
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
        fix=f"write it as in {definition.name}({key}={render(definition.defaults.get(key, 1))})",
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
            f"not {render(value)}",
            fix=f"its default is {render(definition.defaults[key])}",
        )
    return value
