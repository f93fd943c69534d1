"""Every language but Python, as its tree-sitter grammar reads it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import tree_sitter

from pytest_diversity.domains.extract.reading import Statement
from pytest_diversity.features.grammars import load

__all__ = ["Grammar"]

# Languages whose top-level statements are run, so that examples among them may fail.
_SCRIPTS = ("javascript", "typescript")
_SIMPLE = ("expression_statement", "lexical_declaration", "variable_declaration")
_SILENT = ("comment", "php_tag", "hash_bang_line")
_IMPORTS = ("import_clause", "namespace_import")  # JavaScript's, whose names have no field
_CALLS = ("call_expression", "await_expression", "new_expression")
_ACTS = (*_CALLS, "assignment_expression", "update_expression")
_EMPTY = re.compile(r"\{\s*(?:throw [^;{}]*;?\s*)?\}")


class Grammar:
    """A `Reader`."""

    starts = re.compile(
        r"[ \t]*(?:(?:async|class|const|def|export|fn|fun|func|function|import|interface|let|local"
        r"|module|package|private|pub|public|require|static|struct|template|type|use|using|var|void)\b"
        r"|[#<@][\w?])|[^({;=]*[({;=]"
    )
    known: frozenset[str] = frozenset()

    def __init__(self, language: str) -> None:
        """Load the grammar of a language."""
        self._parser = load(language).parser
        self._runs = language in _SCRIPTS
        self._header = b"<?php " if language == "php" else b""

    def parses(self, text: str) -> bool:
        """Whether the grammar finds no error."""
        return not self._root(text).has_error

    def read(self, text: str) -> Sequence[Statement] | int:
        """See `Reader`."""
        root = self._root(text)
        if root.has_error:
            return _error(root)
        nodes = [n for n in root.named_children if n.type not in _SILENT]
        statements: list[Statement] = []
        for node in nodes:
            if not statements or node.start_point.row >= statements[-1].end:
                statements.append(self._statement(node))
        return statements

    def adapted(self, program: str, entry_point: str) -> str:  # noqa: ARG002 - see `Reader`
        """The program as it is: only Python knows methods as entry points."""
        return program

    def _root(self, text: str) -> tree_sitter.Node:
        data = text.encode("utf-8", "replace")
        header = b"" if b"<?" in data else self._header
        return self._parser.parse(header + data).root_node

    def _statement(self, node: tree_sitter.Node) -> Statement:
        named, words = list(_names(node)), frozenset(_words(node))
        binds = frozenset(named)
        simple = self._runs and node.type in _SIMPLE
        acts = self._runs and node.type.endswith("_statement") and node.type != "export_statement"
        return Statement(
            node.start_point.row,
            node.end_point.row + (node.end_point.column > 0),
            binds,
            frozenset() if _is_stub(node) or node.type == "import_statement" else binds,
            binds,
            words - binds if simple else words,
            static=not (acts or (simple and _calls(node))),
            idle=acts and not binds and _is_idle(node),
        )


def _error(root: tree_sitter.Node) -> int:
    """The row of the first error."""
    node = root
    while True:
        broken = next((n for n in node.children if n.has_error or n.is_missing), None)
        if broken is None or broken.is_error or broken.is_missing:
            return (broken or node).start_point.row
        node = broken


def _names(statement: tree_sitter.Node) -> Iterator[str]:
    """What a statement names: functions, classes and their methods, variables, exports."""
    waiting = [statement]
    while waiting:
        node = waiting.pop()
        function = any(word in node.type for word in ("function", "method", "arrow"))
        for number, child in enumerate(node.children):
            field = node.field_name_for_child(number)
            named = field in ("name", "declarator", "left", "property", "alias")
            if (named or node.type in _IMPORTS) and child.is_named and child.text:
                if child.child_count == 0:
                    yield child.text.decode("utf-8", "replace")
            elif "shorthand" in child.type and child.text:  # of `module.exports = { f }`
                yield child.text.decode("utf-8", "replace")
            if not (function and field in ("body", "parameters")) and field != "arguments":
                waiting.append(child)


def _nodes(root: tree_sitter.Node) -> Iterator[tree_sitter.Node]:
    """The node and all that are below it."""
    waiting = [root]
    while waiting:
        node = waiting.pop()
        yield node
        waiting += node.children


def _words(statement: tree_sitter.Node) -> Iterator[str]:
    for node in _nodes(statement):
        if node.child_count == 0 and "identifier" in node.type and node.text:
            yield node.text.decode("utf-8", "replace")


def _calls(node: tree_sitter.Node) -> bool:
    """Whether what a variable is set to is found by calling something."""
    values = [
        value
        for one in node.named_children
        if (value := one.child_by_field_name("value") or one.child_by_field_name("right"))
    ]
    return any(value.type in _CALLS for value in values)


def _is_idle(node: tree_sitter.Node) -> bool:
    directive = (node.text or b"").strip(b"\"';") in (b"use strict", b"use asm")
    return (
        node.type == "expression_statement"
        and not directive
        and all(one.type not in _ACTS for one in _nodes(node))
    )


def _is_stub(node: tree_sitter.Node) -> bool:
    """Whether it is a function without a body."""
    text = (node.text or b"").decode("utf-8", "replace")
    plain = re.sub(r"/\*.*?\*/|//[^\n]*", "", text, flags=re.DOTALL)
    body = plain.find("{")
    return body >= 0 and "function" in node.type and bool(_EMPTY.fullmatch(plain[body:].strip()))
