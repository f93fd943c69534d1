"""Names of domains in tests, read before anything is drawn: a slip costs no run."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Iterator

import pytest

from pytest_diversity.config.values import Config
from pytest_diversity.errors import ConfigError, did_you_mean

__all__ = ["check_domains"]

_ASKING = ("assert_", "measure")  # how what takes a domain's name begins


def check_domains(item: pytest.Item, config: Config) -> None:
    """Refuse a test that names a domain which its configuration does not have.

    Only what is written out can be known; a test that expects an error may name what it likes.

    Args:
        item: The test.
        config: Its configuration.

    Raises:
        ConfigError: It does, with its line.
    """
    for line, name in _named(item):
        if name not in config.domains:
            raise ConfigError(
                f"{item.path}:{line}: unknown domain {name!r}",
                fix=did_you_mean(name, config.domains),
            )


def _named(item: pytest.Item) -> Iterator[tuple[int, str]]:
    """The domains that a test's function names, each with its line."""
    try:
        function = item.function  # type: ignore[attr-defined] # of those that are one
        lines, first = inspect.getsourcelines(inspect.unwrap(function))
        tree = ast.parse(textwrap.dedent("".join(lines)))
    except (AttributeError, OSError, SyntaxError, TypeError):
        return  # it has no source that could be read
    for call in _calls(tree):
        for keyword in call.keywords:
            value = keyword.value
            if keyword.arg == "domain" and isinstance(value, ast.Constant):
                yield first + value.lineno - 1, str(value.value)


def _calls(tree: ast.AST) -> Iterator[ast.Call]:
    """Calls that ask for a domain's samples, outside of what catches errors."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Try) or (isinstance(node, ast.With) and _catches(node)):
            continue
        if isinstance(node, ast.Call) and _name(node.func).startswith(_ASKING):
            yield node
        yield from _calls(node)


def _catches(block: ast.With) -> bool:
    calls = (one.context_expr for one in block.items if isinstance(one.context_expr, ast.Call))
    return any(_name(call.func) in {"raises", "suppress"} for call in calls)


def _name(function: ast.expr) -> str:
    if isinstance(function, ast.Attribute):
        return function.attr
    return function.id if isinstance(function, ast.Name) else ""
