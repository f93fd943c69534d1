"""Whether a Python program defines what was asked for: validity where nothing is run."""

from __future__ import annotations

import ast
import warnings
from collections.abc import Sequence

__all__ = ["DEFINES_NOTE", "defines"]

DEFINES_NOTE = "validity of code is that it parses and defines the entry point"


def defines(source: str, entry_point: str | None) -> bool:
    """Whether a Python program parses and defines `entry_point` at its top level.

    Without an entry point it is enough that it parses and is not empty. Nothing is executed.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a bad escape in a generated program is not our news
            body = ast.parse(source).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    if entry_point is None:
        return bool(body)
    return any(entry_point in _names(statement) for statement in body)


def _names(statement: ast.stmt) -> Sequence[str]:
    match statement:
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            return [name]
        case ast.Assign(targets=targets):
            return [target.id for target in targets if isinstance(target, ast.Name)]
        case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr()):
            return [name]
        case ast.Import(names=aliases) | ast.ImportFrom(names=aliases):
            return [alias.asname or alias.name for alias in aliases]
    return []
