"""Python, as CPython's own parser and symbol tables read it; nothing is executed."""

from __future__ import annotations

import ast
import builtins
import re
from bisect import bisect_left
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
            body = parse(text).body
            inner = _globals_of_scopes(text)
            return _merged([_statement(node, inner) for node in body])
        except SyntaxError as error:
            return max((error.lineno or 1) - 1, 0)
        except (RecursionError, MemoryError, IndexError):
            return 0

    def adapted(self, program: str, entry_point: str) -> str:
        """LeetCode's style: a method of `class Solution`, and names that it need not import."""
        read = self.read(program)
        if isinstance(read, int) or not any(entry_point in one.methods for one in read):
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


def _statement(node: ast.stmt, inner: Sequence[tuple[int, str]]) -> Statement:
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
        frozenset(
            _reads(
                node, inner[bisect_left(inner, (first + 1, "")) : bisect_left(inner, (end + 1, ""))]
            )
        ),
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


def _globals_of_scopes(source: str) -> list[tuple[int, str]]:
    """The global names that functions, classes and the like use, by the line of the outermost."""
    found: set[tuple[int, str]] = set()
    for outer in symtable(source, "<program>", "exec").get_children():
        waiting = [outer]
        while waiting:
            table = waiting.pop()
            found |= {
                (outer.get_lineno(), symbol.get_name())
                for symbol in table.get_symbols()
                if symbol.is_global() and symbol.is_referenced()
            }
            waiting += table.get_children()
    return sorted(found)


def _reads(node: ast.stmt, inner: Sequence[tuple[int, str]]) -> Iterator[str]:
    """The names that a statement uses when it is run, and that its functions use later."""
    yield from (name for _, name in inner)
    waiting: list[ast.AST] = [node]
    while waiting:
        one = waiting.pop()
        if isinstance(one, ast.Name) and isinstance(one.ctx, ast.Load):
            yield one.id
        body = one.body if isinstance(one, _FUNCTION | ast.ClassDef) else ()
        if isinstance(
            one, ast.Lambda | ast.GeneratorExp | ast.ListComp | ast.SetComp | ast.DictComp
        ):
            continue
        inside = {id(child) for child in body}
        waiting += [child for child in ast.iter_child_nodes(one) if id(child) not in inside]


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
