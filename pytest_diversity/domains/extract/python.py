"""Python, as CPython's own parser and symbol tables read it; nothing is executed."""

from __future__ import annotations

import ast
import builtins
import re
import sys
from collections.abc import Iterator, Sequence
from importlib import import_module
from symtable import symtable

from pytest_diversity.domains.extract.reading import Statement
from pytest_diversity.judges.defines import bindings, parse

__all__ = ["Python"]

_FUNCTION = ast.FunctionDef | ast.AsyncFunctionDef
_STATIC = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Import, ast.ImportFrom)
# Where LeetCode's own environment has its names from.
_LEETCODE = (
    *("typing", "collections", "heapq", "bisect", "itertools", "functools", "math", "string"),
    *("operator", "random", "re"),
)


class Python:
    """A `Reader`."""

    starts = re.compile(
        r"[ \t]*(?:(?:async[ \t]+def|def|class|import|from|if|for|while|with|try|assert|match)\b"
        r"|@\w|\"\"\"|'''|[A-Za-z_][\w.]*[ \t]*\(|[A-Za-z_][\w., \t\[\]:]*?[-+*/|&^%]?=)"
    )
    known = frozenset({*dir(builtins), "__name__", "__file__", "__doc__"})

    def parses(self, text: str) -> bool:
        """Whether CPython compiles it."""
        try:
            parse(text)
        except SyntaxError:
            return False
        return True

    def read(self, text: str) -> Sequence[Statement] | int:
        """See `Reader`."""
        text = text.replace("\f", " ")
        try:
            return _merged([_statement(node, text.split("\n")) for node in parse(text).body])
        except SyntaxError as error:
            return max((error.lineno or 1) - 1, 0)
        except (RecursionError, MemoryError, IndexError):
            return 0

    def adapted(self, program: str, entry_point: str) -> str:
        """LeetCode's style: a method of `class Solution`, and names that it need not import."""
        read = self.read(program)
        if isinstance(read, int) or any(entry_point in one.binds for one in read):
            return program
        if not any(entry_point in one.methods for one in read):
            return program
        bound = self.known.union(*(one.binds for one in read))
        missing = sorted(frozenset().union(*(one.reads for one in read)) - bound)
        imports = [line for name in missing for line in _imports(name)]
        future = "from __future__"
        head = [line for line in program.split("\n") if line.startswith(future)]
        rest = [line for line in program.split("\n") if not line.startswith(future)]
        end = f"\n\n{entry_point} = Solution().{entry_point}\n"
        return "\n".join([*head, *imports, *rest]).rstrip() + end


def _imports(name: str) -> Iterator[str]:
    if name in _LEETCODE:
        yield f"import {name}"
        return
    for module in _LEETCODE:
        if not name.startswith("_") and hasattr(import_module(module), name):
            yield f"from {module} import {name}"
            return


def _statement(node: ast.stmt, lines: Sequence[str]) -> Statement:
    bound = list(bindings(node))
    first = min([node.lineno, *(one.lineno for one in getattr(node, "decorator_list", []))]) - 1
    end = node.end_lineno or node.lineno
    binds = frozenset(name for name, _ in bound)
    return Statement(
        first,
        end,
        binds,
        frozenset(name for name, by in bound if _is_whole(by)) if _has_value(node) else frozenset(),
        binds | frozenset(_changed(node)),
        _reads("\n".join(lines[first:end])),
        static=isinstance(node, _STATIC),
        idle=_is_idle(node),
        methods=_methods(node),
    )


def _merged(statements: Sequence[Statement]) -> list[Statement]:
    """The same, with those that share a line as one."""
    merged: list[Statement] = []
    for one in statements:
        if not merged or one.first >= merged[-1].end:
            merged.append(one)
            continue
        last = merged.pop()
        merged.append(
            Statement(
                last.first,
                max(last.end, one.end),
                last.binds | one.binds,
                last.whole | one.whole,
                last.changes | one.changes,
                last.reads | one.reads,
                last.static or one.static,
                last.idle and one.idle,
                last.methods | one.methods,
            )
        )
    return merged


def _reads(source: str) -> frozenset[str]:
    names: set[str] = set()
    top = symtable(source, "<statement>", "exec")
    waiting = [top]
    while waiting:
        table = waiting.pop()
        names |= {
            symbol.get_name()
            for symbol in table.get_symbols()
            if symbol.is_referenced() and (table is top or symbol.is_global())
        }
        waiting += table.get_children()
    return frozenset(map(sys.intern, names))


def _has_value(node: ast.stmt) -> bool:
    """Whether it is no assignment of nothing, such as `f = None` or `f = ...`."""
    return not (
        isinstance(node, ast.Assign)
        and isinstance(node.value, ast.Constant)
        and node.value.value in (None, ...)
    )


def _is_whole(node: ast.AST) -> bool:
    """Whether what binds a name says what it is, and is no import and no signature alone."""
    if isinstance(node, ast.ClassDef):
        return any(not _is_empty(one) and _is_whole(one) for one in node.body)
    if isinstance(node, _FUNCTION):
        return not all(map(_is_empty, node.body))
    return not isinstance(node, ast.alias)


def _is_empty(node: ast.stmt) -> bool:
    match node:
        case ast.Pass() | ast.Expr(value=ast.Constant()):
            return True
        case ast.Raise(exc=ast.Name(id=name) | ast.Call(func=ast.Name(id=name))):
            return name == "NotImplementedError"
    return False


def _is_idle(node: ast.stmt) -> bool:
    match node:
        case ast.AnnAssign(value=None):
            return True
        case ast.Expr(value=ast.Constant(value=str())):  # a docstring
            return False
        case ast.Expr(value=value):
            acts = (ast.Call, ast.Await, ast.NamedExpr, ast.Yield, ast.YieldFrom)
            return not any(isinstance(one, acts) for one in ast.walk(value))
    return False


def _methods(node: ast.stmt) -> frozenset[str]:
    match node:
        case ast.ClassDef(name="Solution", body=body):
            return frozenset(
                one.name for one in body if isinstance(one, _FUNCTION) and _is_whole(one)
            )
    return frozenset()


def _changed(node: ast.stmt) -> Iterator[str]:
    """The names whose values a statement may change: of `x` in `x[0] = 1` and `x.update(y)`."""
    if isinstance(node, _STATIC):
        return
    for one in ast.walk(node):
        match one:
            case ast.Attribute(ctx=ast.Store()) | ast.Subscript(ctx=ast.Store()):
                value: ast.expr = one
            case ast.Call(func=ast.Attribute(value=value)):
                pass
            case _:
                continue
        while isinstance(value, ast.Attribute | ast.Subscript):
            value = value.value
        if isinstance(value, ast.Name):
            yield value.id
