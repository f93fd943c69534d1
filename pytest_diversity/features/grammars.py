"""The tree-sitter organisation's grammars, and what in their trees is a constant."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module

import tree_sitter

from pytest_diversity.errors import ConfigError, did_you_mean

__all__ = ["GRAMMARS", "Grammar", "Language", "Role", "load", "packages"]


@dataclass(frozen=True, slots=True)
class Grammar:
    """A grammar wheel.

    Attributes:
        module: What it is imported as.
        literals: Kinds of nodes that are constants.
        function: Which of the module's functions gives the grammar.
        operations: Kinds of nodes whose unnamed children are operators, where the grammar does not
            mark operators by a field.
    """

    module: str
    literals: frozenset[str]
    function: str = "language"
    operations: frozenset[str] = frozenset()

    @property
    def package(self) -> str:
        """The name of its wheel."""
        return self.module.replace("_", "-")


def _grammar(
    module: str, literals: str, function: str = "language", operations: str = ""
) -> Grammar:
    return Grammar(module, _kinds(literals), function, _kinds(operations))


def _kinds(names: str) -> frozenset[str]:
    return frozenset(names.split())


_JAVASCRIPT = "string template_string number regex true false null undefined jsx_text"
_C = "string_literal concatenated_string system_lib_string char_literal number_literal true false"
_PHP = "string encapsed_string heredoc nowdoc integer float boolean null"

GRAMMARS: Mapping[str, Grammar] = {
    "python": _grammar(
        "tree_sitter_python",
        "string concatenated_string integer float true false none ellipsis",
    ),
    "javascript": _grammar("tree_sitter_javascript", _JAVASCRIPT),
    "typescript": _grammar("tree_sitter_typescript", _JAVASCRIPT, "language_typescript"),
    "java": _grammar(
        "tree_sitter_java",
        "string_literal character_literal decimal_integer_literal hex_integer_literal "
        "octal_integer_literal binary_integer_literal decimal_floating_point_literal "
        "hex_floating_point_literal true false null_literal",
        operations="update_expression",
    ),
    "c": _grammar("tree_sitter_c", f"{_C} null"),
    "cpp": _grammar("tree_sitter_cpp", f"{_C} null raw_string_literal user_defined_literal"),
    "go": _grammar(
        "tree_sitter_go",
        "interpreted_string_literal raw_string_literal rune_literal int_literal float_literal "
        "imaginary_literal true false nil iota",
    ),
    "rust": _grammar(
        "tree_sitter_rust",
        "string_literal raw_string_literal char_literal integer_literal float_literal "
        "boolean_literal negative_literal",
        operations="unary_expression range_expression",
    ),
    "ruby": _grammar(
        "tree_sitter_ruby",
        "string chained_string bare_string character simple_symbol delimited_symbol bare_symbol "
        "regex heredoc_beginning heredoc_body integer float complex rational true false nil",
    ),
    "bash": _grammar(
        "tree_sitter_bash",
        "string raw_string ansi_c_string translated_string word number regex heredoc_body",
        operations="list",
    ),
    "c_sharp": _grammar(
        "tree_sitter_c_sharp",
        "string_literal verbatim_string_literal raw_string_literal interpolated_string_expression "
        "character_literal integer_literal real_literal boolean_literal null_literal",
        operations="prefix_unary_expression postfix_unary_expression",
    ),
    "php": _grammar("tree_sitter_php", _PHP, "language_php"),
    # what PHP is without its opening tag, as models often write it
    "php_only": _grammar("tree_sitter_php", _PHP, "language_php_only"),
}

# Parts of constants that are constant themselves; any other named part is an interpolation.
_PIECES = _kinds(
    "string_content string_fragment multiline_string_fragment escape_sequence string_start "
    "string_end character character_literal_content string_literal_content string_literal_encoding "
    "raw_string_content raw_string_delimiter raw_string_start raw_string_end "
    "raw_string_literal_content interpreted_string_literal_content regex_pattern regex_flags "
    "html_character_reference literal_suffix heredoc_start heredoc_content heredoc_end "
    "heredoc_body nowdoc_body nowdoc_string interpolation_start interpolation_quote "
    "escape_interpolation"
)


class Role:
    """What a kind of node is to us."""

    UNNAMED, STRUCTURE, LITERAL, PIECE, COMMENT = range(5)


@dataclass(frozen=True)
class Language:
    """A loaded grammar, with what its numbers of kinds and fields mean.

    Attributes:
        parser: Parses bytes of it.
        names: Of each kind of node its name.
        roles: Of each kind of node what it is to us.
        operators: Fields that hold an operator.
        operations: Kinds of nodes whose unnamed children are operators.
    """

    parser: tree_sitter.Parser
    names: Mapping[int, str]
    roles: Mapping[int, int]
    operators: frozenset[int] = field(default=frozenset())
    operations: frozenset[int] = field(default=frozenset())


@cache
def load(name: str) -> Language:
    """The language of that name.

    Raises:
        ConfigError: No grammar is known for it, or its wheel is not installed.
    """
    if name not in GRAMMARS:
        raise ConfigError(f"no grammar for language {name!r}", fix=did_you_mean(name, GRAMMARS))
    grammar = GRAMMARS[name]
    try:
        module = import_module(grammar.module)
    except ImportError:
        raise ConfigError(
            f"language {name!r} needs the package {grammar.package!r}, which is not installed",
            fix=f"pip install {grammar.package}",
        ) from None
    language = tree_sitter.Language(getattr(module, grammar.function)())
    names = {kind: _name(language, kind) for kind in range(language.node_kind_count)}
    fields = {n: language.field_name_for_id(n) for n in range(1, language.field_count + 1)}
    return Language(
        parser=tree_sitter.Parser(language),
        names=names,
        roles={kind: _role(language, grammar, kind, name) for kind, name in names.items()},
        operators=frozenset(n for n, name in fields.items() if (name or "").startswith("operator")),
        operations=frozenset(kind for kind, name in names.items() if name in grammar.operations),
    )


def _name(language: tree_sitter.Language, kind: int) -> str:
    return language.node_kind_for_id(kind) or ""


def _role(language: tree_sitter.Language, grammar: Grammar, kind: int, name: str) -> int:
    if "comment" in name:
        return Role.COMMENT
    if not language.node_kind_is_named(kind):
        return Role.UNNAMED
    if name in grammar.literals:
        return Role.LITERAL
    return Role.PIECE if name in _PIECES else Role.STRUCTURE


def packages(language: str) -> tuple[str, str]:
    """The packages whose versions tokens and trees of `language` depend on."""
    return "tree-sitter", GRAMMARS[language].package
