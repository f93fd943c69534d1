"""Tokens and canonical trees of programs, from tree-sitter's grammars."""

from __future__ import annotations

from dataclasses import dataclass
from sys import intern

import tree_sitter

from pytest_diversity.features.grammars import GRAMMARS, Language, Role, load
from pytest_diversity.metrics.trees import Tree

__all__ = ["GRAMMARS", "Syntax", "analyse"]


@dataclass(frozen=True, slots=True)
class Syntax:
    """What a parse gives.

    Attributes:
        tokens: The leaves of the syntax tree in order, literals kept; comments only if asked for.
        tree: The canonicalised tree, None where the source does not parse.
    """

    tokens: tuple[str, ...]
    tree: Tree | None


def analyse(source: str, language: str, *, comments: bool = False) -> Syntax:
    """Parse `source`; broken code has tokens but no tree.

    Args:
        source: The program.
        language: One of `GRAMMARS`.
        comments: Whether comments are tokens, each as a whole.

    Raises:
        ConfigError: No grammar is known for `language`, or its wheel is not installed.
    """
    if language == "php" and "<?" not in source:
        language = "php_only"
    grammar = load(language)
    data = source.encode("utf-8", "replace")
    root = grammar.parser.parse(data).root_node
    reader = _Reader(grammar, data, comments=comments)
    reader.read(root)
    return Syntax(
        tuple(reader.tokens), None if root.has_error else Tree(reader.kinds, reader.parents)
    )


class _Reader:
    """One walk over a tree that gives both the tokens and the canonical tree.

    Names are leaves already. A constant of any kind becomes one leaf `literal`, unless something is
    interpolated, which keeps its structure under it; the text around it leaves no trace. Operators,
    which grammars leave unnamed, are structure; other unnamed nodes are not.
    """

    def __init__(self, grammar: Language, data: bytes, *, comments: bool) -> None:
        """Read nothing yet."""
        self.grammar = grammar
        self.data = data
        self.comments = comments
        self.tokens: list[str] = []
        self.kinds: list[str] = []
        self.parents: list[int] = []
        self._end = 0  # of the last token

    def read(self, root: tree_sitter.Node) -> None:
        """Walk over the tree of `root`, without recursion: generated programs can be deep."""
        cursor = root.walk()
        roles, operations = self.grammar.roles, self.grammar.operations
        # of each node on the way down: the place of its nearest ancestor in the canonical tree,
        # the kind of the literal that this ancestor is (0 if none), its own parent's kind
        above = [(-1, 0, 0)]
        while (node := cursor.node) is not None:
            kind = node.kind_id
            place, literal, parent = above[-1]
            role = roles.get(kind, Role.STRUCTURE)
            if role != Role.UNNAMED:
                if not literal or role == Role.STRUCTURE:
                    place, literal = self._add(kind, role, place, literal)
            elif not literal and (
                parent in operations or cursor.field_id in self.grammar.operators
            ):
                self._add(kind, role, place, 0)
            if role != Role.COMMENT and cursor.goto_first_child():
                above.append((place, literal, kind))
                continue
            self._token(node, role)
            while not cursor.goto_next_sibling():
                if not cursor.goto_parent():
                    self._gap(len(self.data))
                    return
                above.pop()

    def _add(self, kind: int, role: int, place: int, literal: int) -> tuple[int, int]:
        """Add a node under `place`; say where it is, and its kind if it is a literal."""
        if literal:  # something is interpolated into it: it is no constant after all
            self.kinds[place] = self.grammar.names[literal]
        constant = role == Role.LITERAL
        self.kinds.append("literal" if constant else self.grammar.names.get(kind, "ERROR"))
        self.parents.append(place)
        return len(self.kinds) - 1, kind if constant else 0

    def _token(self, node: tree_sitter.Node, role: int) -> None:
        start, end = node.start_byte, node.end_byte
        if start > self._end:
            self._gap(start)
        if end > start and (role != Role.COMMENT or self.comments):
            self.tokens.append(intern(self.data[start:end].decode("utf-8", "replace")))
        self._end = max(self._end, end)

    def _gap(self, start: int) -> None:
        """Any text that no leaf covers, as between the escapes of a string, is a token too."""
        text = self.data[self._end : start].strip(b" \t\r\n\f\v\\;")
        if text:
            self.tokens.append(intern(text.decode("utf-8", "replace")))
