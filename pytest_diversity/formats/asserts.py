"""What a test in Python calls and with which arguments, read from its text; nothing is run."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

__all__ = ["inputs_of", "is_json", "tested"]


def inputs_of(source: str, name: str) -> list[list[Any]]:
    """The positional arguments of each call of `name`, where all are literals that JSON has."""
    found: list[list[Any]] = []
    for call in _calls(source):
        if isinstance(call.func, ast.Name) and call.func.id == name and not call.keywords:
            with suppress(ValueError, RecursionError, MemoryError):  # not literals
                arguments = [ast.literal_eval(one) for one in call.args]
                if arguments and is_json(arguments) and arguments not in found:
                    found.append(arguments)
    return found


def tested(source: str, solution: str) -> str | None:
    """The function of a solution that its tests call first; None if they call none."""
    try:
        defined = {one.name for one in ast.walk(ast.parse(solution)) if _is_definition(one)}  # type: ignore[attr-defined]
    except (SyntaxError, ValueError, RecursionError):
        return None
    names = [call.func.id for call in _calls(source) if isinstance(call.func, ast.Name)]
    return next((name for name in names if name in defined), None)


def is_json(value: Any) -> bool:
    """Whether JSON gives it back as it is: it has no tuples, sets or infinities."""
    try:
        return bool(json.loads(json.dumps(value, allow_nan=False)) == value)
    except (TypeError, ValueError, RecursionError):
        return False


def _is_definition(node: ast.AST) -> bool:
    return isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)


def _calls(source: str) -> Iterator[ast.Call]:
    """The calls of a source, in the order in which they stand there."""
    try:
        nodes = ast.walk(ast.parse(source))
    except (SyntaxError, ValueError, RecursionError):
        return
    found = [node for node in nodes if isinstance(node, ast.Call)]
    yield from sorted(found, key=lambda node: (node.lineno, node.col_offset))
