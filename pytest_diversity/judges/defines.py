"""Whether a Python program defines what was asked for: validity where nothing is run."""

from __future__ import annotations

import ast
import warnings
from collections.abc import Iterator
from functools import lru_cache

__all__ = ["DEFINES_NOTE", "bindings", "defines", "parse"]

DEFINES_NOTE = "validity of code is that it parses and defines the entry point"
_SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
# What binds names of its own, not the module's.
_INNER = (ast.Lambda, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


def defines(source: str, entry_point: str | None) -> bool:
    """Whether a Python program compiles and defines `entry_point` for its module.

    Without an entry point it is enough that it compiles and is not empty. Nothing is executed.
    """
    try:
        body = parse(source).body
    except SyntaxError:
        return False
    if entry_point is None:
        return bool(body)
    return any(entry_point == name for statement in body for name, _ in bindings(statement))


@lru_cache(maxsize=1)  # a program is read, then asked what it defines
def parse(source: str) -> ast.Module:
    """The tree of a program that CPython compiles, to be read only; nothing is executed.

    Raises:
        SyntaxError: CPython does not compile it, for whatever reason.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a bad escape in a generated program is not our news
            tree = ast.parse(source)
            compile(source, "<program>", "exec", dont_inherit=True)  # a `return` without function
    except SyntaxError:
        raise
    except (ValueError, RecursionError, MemoryError, OverflowError) as error:
        raise SyntaxError(str(error)) from None
    return tree


def bindings(statement: ast.stmt) -> Iterator[tuple[str, ast.AST]]:
    """The names that a statement of a module binds there, within `if`, `try` and `with` too.

    Yields:
        Each name, with the node that binds it.
    """
    waiting: list[ast.AST] = [statement]
    while waiting:
        node = waiting.pop()
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                yield name, node
            case ast.ClassDef(name=name):
                yield name, node
            case ast.Name(id=name, ctx=ast.Store()):
                yield name, node
            case ast.alias(name=name, asname=asname):
                yield asname or name.partition(".")[0], node
            case (
                ast.ExceptHandler(name=str(name))
                | ast.MatchAs(name=str(name))
                | ast.MatchStar(name=str(name))
                | ast.MatchMapping(rest=str(name))
            ):
                yield name, node
        if isinstance(node, ast.AnnAssign) and node.value is None:
            continue  # says of what type a name is, and binds nothing
        if not isinstance(node, (*_SCOPES, *_INNER)):
            waiting += ast.iter_child_nodes(node)
