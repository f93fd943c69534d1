"""Tokens and canonical trees of programs, from tree-sitter's grammars."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import import_module

import tree_sitter

from pytest_diversity.errors import ConfigError, MissingExtraError, did_you_mean
from pytest_diversity.metrics.subtree import Tree

__all__ = ["GRAMMARS", "Syntax", "analyse", "check_language"]


@dataclass(frozen=True, slots=True)
class Syntax:
    """What a parse gives.

    Attributes:
        tokens: The leaves of the syntax tree in order, comments left out, literals kept.
        tree: The canonicalised tree, None where the source does not parse.
    """

    tokens: tuple[str, ...]
    tree: Tree | None


@dataclass(frozen=True, slots=True)
class _Grammar:
    """A grammar wheel of the tree-sitter organisation, and which of its nodes are constants."""

    module: str
    literals: frozenset[str]
    function: str = "language"


GRAMMARS: Mapping[str, _Grammar] = {
    "python": _Grammar(
        "tree_sitter_python",
        frozenset(
            {
                "string",
                "concatenated_string",
                "integer",
                "float",
                "true",
                "false",
                "none",
                "ellipsis",
            }
        ),
    ),
}
_INTERPOLATED = "interpolation"
_COMMENT = "comment"


def analyse(source: str, language: str) -> Syntax:
    """Parse `source`; broken code has tokens but no tree.

    Raises:
        ConfigError: No grammar is known for `language`.
    """
    data = source.encode("utf-8", "replace")
    root = _parser(language).parse(data).root_node
    tokens = tuple(_tokens(root, data))
    return Syntax(tokens, None if root.has_error else _canonical(root, GRAMMARS[language].literals))


def check_language(language: str) -> None:
    """Make sure that programs in `language` can be parsed.

    Raises:
        ConfigError: No grammar is known for it.
        MissingExtraError: Its grammar is not installed.
    """
    _parser(language)


@cache
def _parser(language: str) -> tree_sitter.Parser:
    if language not in GRAMMARS:
        raise ConfigError(
            f"no grammar for language {language!r}", fix=did_you_mean(language, GRAMMARS)
        )
    grammar = GRAMMARS[language]
    try:
        module = import_module(grammar.module)
    except ImportError:
        raise MissingExtraError(
            f"language {language!r}", package=grammar.module.replace("_", "-"), extra="languages"
        ) from None
    return tree_sitter.Parser(tree_sitter.Language(getattr(module, grammar.function)()))


def _tokens(root: tree_sitter.Node, data: bytes) -> Iterator[str]:
    """The leaves, and any text between them that no leaf covers, as inside strings with escapes."""
    end = 0
    for leaf in _leaves(root):
        yield from _gap(data[end : leaf.start_byte])
        if _COMMENT not in leaf.type and leaf.end_byte > leaf.start_byte:
            yield data[leaf.start_byte : leaf.end_byte].decode("utf-8", "replace")
        end = max(end, leaf.end_byte)
    yield from _gap(data[end:])


def _gap(text: bytes) -> Iterator[str]:
    stripped = text.strip(b" \t\r\n\f\v\\;")
    if stripped:
        yield stripped.decode("utf-8", "replace")


def _leaves(root: tree_sitter.Node) -> Iterator[tree_sitter.Node]:
    stack = [root]
    while stack:
        node = stack.pop()
        if node.child_count == 0 or _COMMENT in node.type:
            yield node
        else:
            stack.extend(reversed(node.children))


def _canonical(root: tree_sitter.Node, literals: frozenset[str]) -> Tree:
    """Named nodes and operators by kind: names are leaves already, constants all become one."""
    kinds: list[str] = []
    parents: list[int] = []
    stack = [(root, -1)]
    while stack:
        node, parent = stack.pop()
        below = _structure(node)
        literal = node.type in literals and not _has_interpolation(node)
        kinds.append("literal" if literal else node.type)
        parents.append(parent)
        if not literal:
            stack.extend((child, len(kinds) - 1) for child in reversed(below))
    return Tree(kinds, parents)


def _structure(node: tree_sitter.Node) -> list[tree_sitter.Node]:
    """The children that are structure: named ones, and operators, which grammars leave unnamed."""
    return [
        child
        for index, child in enumerate(node.children)
        if child.is_named or (node.field_name_for_child(index) or "").startswith("operator")
    ]


def _has_interpolation(node: tree_sitter.Node) -> bool:
    return any(
        child.type == _INTERPOLATED or _has_interpolation(child) for child in node.named_children
    )
