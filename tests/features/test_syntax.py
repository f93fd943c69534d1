"""Programs as tokens and canonical trees, in twelve languages."""

from __future__ import annotations

import ast

import pytest

from pytest_diversity.errors import ConfigError
from pytest_diversity.features import grammars
from pytest_diversity.features.syntax import GRAMMARS, analyse
from pytest_diversity.metrics import Tree, pair_subtree, subtree

# Of each language: a program; the same with other names; with other constants of the same and of
# other types; and one of other structure.
PROGRAMS: dict[str, tuple[str, str, str, str]] = {
    "python": (
        "def f(n):\n    return g(n * 2, 'a', True, None)",
        "def h(count):\n    return k(count * 2, 'a', True, None)",
        "def f(n):\n    return g(n * 3.5, 'b\\n' 'c', False, b'x')",
        "def f(n):\n    return g(n + 2, 'a', True, None)",
    ),
    "javascript": (
        "function f(n) { return g(n * 2, 'a', true, null, /x/); }",
        "function h(m) { return k(m * 2, 'a', true, null, /x/); }",
        "function f(n) { return g(n * 0x3, `b\\n`, false, undefined, 'y'); }",
        "function f(n) { return g(n + 2, 'a', true, null, /x/); }",
    ),
    "typescript": (
        "function f(n: number): string { return g(n * 2, 'a', true); }",
        "function h(m: number): string { return k(m * 2, 'a', true); }",
        'function f(n: number): string { return g(n * 3.1, "b\\n", null); }',
        "function f(n: number): string { return g(n - 2, 'a', true); }",
    ),
    "java": (
        "class A { int f(int n) { return g(n * 2, \"a\", true, 'c'); } }",
        "class B { int h(int m) { return k(m * 2, \"a\", true, 'c'); } }",
        'class A { int f(int n) { return g(n * 0x1F, "b\\n", null, 2.5); } }',
        "class A { int f(int n) { return g(n++, \"a\", true, 'c'); } }",
    ),
    "c": (
        "int f(int n) { return g(n * 2, \"a\", 'c'); }",
        "int h(int m) { return k(m * 2, \"a\", 'c'); }",
        'int f(int n) { return g(n * 3.5, "b\\n" "c", NULL); }',
        "int f(int n) { return g(n / 2, \"a\", 'c'); }",
    ),
    "cpp": (
        'int f(int n) { return g(n * 2, "a", true); }',
        'int h(int m) { return k(m * 2, "a", true); }',
        'int f(int n) { return g(n * 3.5, R"(b)", nullptr); }',
        'int f(int n) { return g(n && 2, "a", true); }',
    ),
    "go": (
        'package p\nfunc f(n int) int { return g(n * 2, "a", true) }',
        'package q\nfunc h(m int) int { return k(m * 2, "a", true) }',
        "package p\nfunc f(n int) int { return g(n * 3.5, `b`, nil) }",
        'package p\nfunc f(n int) int { return g(n % 2, "a", true) }',
    ),
    "rust": (
        'fn f(n: i32) -> i32 { g(-n, 2, "a", true) }',
        'fn h(m: i32) -> i32 { k(-m, 2, "a", true) }',
        "fn f(n: i32) -> i32 { g(-n, 3.5, r\"b\", 'c') }",
        'fn f(n: i32) -> i32 { g(!n, 2, "a", true) }',
    ),
    "ruby": (
        "def f(n)\n  g(n * 2, 'a', true, :x)\nend",
        "def h(m)\n  k(m * 2, 'a', true, :x)\nend",
        'def f(n)\n  g(n * 3.5, "b\\n", nil, /y/)\nend',
        "def f(n)\n  g(n ** 2, 'a', true, :x)\nend",
    ),
    "bash": (
        "f() { local n=$1; grep 'a' \"b\" 2 && echo $n; }",
        "h() { local m=$1; grep 'a' \"b\" 2 && echo $m; }",
        "f() { local n=$1; grep word $'c' \"d e\" && echo $n; }",
        "f() { local n=$1; grep 'a' \"b\" 2 || echo $n; }",
    ),
    "c_sharp": (
        'class A { int F(int n) { return G(-n, 2, "a", true); } }',
        'class B { int H(int m) { return K(-m, 2, "a", true); } }',
        'class A { int F(int n) { return G(-n, 3.5, @"b", null); } }',
        'class A { int F(int n) { return G(!n, 2, "a", true); } }',
    ),
    "php": (
        "<?php function f($n) { return g($n * 2, 'a', true); }",
        "<?php function h($m) { return k($m * 2, 'a', true); }",
        '<?php function f($n) { return g($n * 3.5, "b\\n", null); }',
        "<?php function f($n) { return g($n . 2, 'a', true); }",
    ),
}
INTERPOLATED = {
    "python": ("f'a{x}b'", "f'{y}'", "f'a{x + 1}b'", "'a'"),
    "javascript": ("`a${x}b`", "`${y}`", "`a${x + 1}b`", "`a`"),
    "typescript": ("`a${x}b`", "`${y}`", "`a${x + 1}b`", "`a`"),
    "ruby": ('"a#{x}b"', '"#{y}"', '"a#{x + 1}b"', '"a"'),
    "bash": ('echo "a${x}b"', 'echo "${y}"', 'echo "a$((x + 1))b"', 'echo "a"'),
    "c_sharp": ('var s = $"a{x}b";', 'var s = $"{y}";', 'var s = $"a{x + 1}b";', 'var s = "a";'),
    "php": ('<?php "a{$x}b";', '<?php "{$y}";', '<?php "a{$x->z}b";', '<?php "a";'),
}
BROKEN = {
    "python": "def f(:",
    "javascript": "function f( {",
    "typescript": "function f(n: { return",
    "java": "class A { int f( }",
    "c": "int f( { return",
    "cpp": "int f( { return",
    "go": "func f( { return",
    "rust": "fn f( { return",
    "ruby": "def f(n\n  g(",
    "bash": "if [ x; then",
    "c_sharp": "class A { int F( }",
    "php": "<?php function f( { return",
}


def tree(source: str, language: str) -> Tree:
    found = analyse(source, language).tree
    assert found is not None, source
    return found


@pytest.mark.parametrize("language", PROGRAMS)
def test_names_and_constants_leave_no_trace(language: str) -> None:
    """Another name or constant, even of another type, gives the same tree; structure does not."""
    own, renamed, revalued, other = (tree(source, language) for source in PROGRAMS[language])
    assert renamed == own
    assert revalued == own
    assert other != own
    same, different = pair_subtree([own, renamed], height=2), pair_subtree([own, other], height=2)
    assert same is not None
    assert different is not None
    assert same < different


@pytest.mark.parametrize("language", PROGRAMS)
def test_tokens_keep_names_and_constants(language: str) -> None:
    """Tokens are the program's text, which renaming changes, and they cover all of it."""
    own, renamed, revalued, _ = PROGRAMS[language]
    tokens = analyse(own, language).tokens
    assert tokens != analyse(renamed, language).tokens
    assert tokens != analyse(revalued, language).tokens
    covered = "".join("".join(tokens).split())
    assert covered == "".join(own.split()).replace(";" if ";" not in covered else "", "")


@pytest.mark.parametrize("language", INTERPOLATED)
def test_interpolations_keep_their_structure(language: str) -> None:
    """The constant parts of an interpolated string leave no trace, what is put into it does."""
    own, renamed, other, constant = (tree(source, language) for source in INTERPOLATED[language])
    assert renamed == own
    assert other != own
    assert constant != own
    assert "literal" in constant.kinds


@pytest.mark.parametrize("language", BROKEN)
def test_broken_code_has_tokens_and_no_tree(language: str) -> None:
    """Error nodes are never structure."""
    syntax = analyse(BROKEN[language], language)
    assert syntax.tree is None
    assert syntax.tokens


def test_every_language_is_tested() -> None:
    """A grammar without a program here would be unproven."""
    languages = GRAMMARS.keys() - {"php_only"}
    assert PROGRAMS.keys() == BROKEN.keys() == languages


P1 = "def f(n):\n    print(n * 2)"
P2 = "def f(m):\n    print(m * 3)"
P3 = "def f(n):\n    for i in range(n):\n        print(i)"


def outline(found: Tree, node: int = 0) -> str:
    below = [child for child, parent in enumerate(found.parents) if parent == node]
    inside = " ".join(outline(found, child) for child in below)
    return f"({found.kinds[node]} {inside})" if below else found.kinds[node]


def test_the_canonical_tree() -> None:
    """Names are leaves, constants are `literal`, operators are nodes, brackets are nothing."""
    assert outline(tree(P1, "python")) == (
        "(module (function_definition identifier (parameters identifier) (block "
        "(expression_statement (call identifier (argument_list "
        "(binary_operator identifier * literal)))))))"
    )
    assert outline(tree(P3, "python")) == (
        "(module (function_definition identifier (parameters identifier) (block "
        "(for_statement identifier (call identifier (argument_list identifier)) (block "
        "(expression_statement (call identifier (argument_list identifier))))))))"
    )


@pytest.mark.parametrize(
    ("height", "expected"), [(2, 11 / 27), (3, 10 / 20), (4, 10 / 16), (5, 9 / 13)]
)
def test_pooled_subtrees_by_hand(height: int, expected: float) -> None:
    """Distinct over all truncated subtrees of P1, P2 and P3, counted on the outlines above.

    How many levels hang under and including each inner node, leaves having one:

        P1 = P2: module 8, function 7, block 6, statement 5, call 4, arguments 3, operator 2,
                 parameters 2
        P3:      module 9, function 8, block 7, for 6, inner block 5, statement 4, print's call 3,
                 its arguments 2, range's call 3, its arguments 2, parameters 2

    So that 8, 6, 5, 4 nodes of P1 and 11, 8, 6, 5 of P3 reach 2, 3, 4, 5 levels: 27, 20, 16, 13 in
    all, P2 counted too. P1's own subtrees all differ. P3 adds to them
        at 2 levels: block(for), for(identifier call block), arguments(identifier): 8 + 3 = 11
        at 3: function, block and for, which reach down to the loop, and call(identifier
            arguments(identifier)), twice the same; module, inner block and statement are P1's:
            6 + 4 = 10
        at 4: all but the inner block, block(statement(call(identifier arguments))): 5 + 5 = 10
        at 5: all of its own: 4 + 5 = 9
    """
    trees = [tree(source, "python") for source in (P1, P2, P3)]
    assert subtree(trees, height=height) == pytest.approx(expected)


def test_pairs_of_subtrees_by_hand() -> None:
    """P1 and P2 are the same after canonicalisation: each subtree twice, so exactly one half.

    P1 and P3 have 5 + 6 subtrees of 4 levels, of which they share the block around the call of
    `print`. Python's own `ast` has no such node, which is why it gives 1.0 there.
    """
    one, two, three = (tree(source, "python") for source in (P1, P2, P3))
    assert pair_subtree([one, two]) == 0.5
    assert pair_subtree([one, three]) == pytest.approx(10 / 11)
    assert pair_subtree([one, two, three]) == pytest.approx((0.5 + 10 / 11 + 10 / 11) / 3)


def test_trees_of_pythons_ast() -> None:
    """The paper's own goldens, on trees as its code makes them: nodes and operators by class."""
    trees = [_ast_tree(source) for source in (P1, P2, P3)]
    pooled = {height: subtree(trees, height=height) for height in (2, 3, 4, 5)}
    assert pooled == pytest.approx({2: 11 / 28, 3: 10 / 16, 4: 8 / 12, 5: 6 / 9})
    assert pair_subtree(trees[:2]) == 0.5
    assert pair_subtree(trees[::2]) == 1.0


def _ast_tree(source: str) -> Tree:
    kinds: list[str] = []
    parents: list[int] = []
    stack: list[tuple[ast.AST, int]] = [(ast.parse(source), -1)]
    while stack:
        node, parent = stack.pop()
        kinds.append(type(node).__name__)
        parents.append(parent)
        stack.extend((child, len(kinds) - 1) for child in ast.iter_child_nodes(node))
    return Tree(kinds, parents)


def test_comments_are_dropped_unless_asked_for() -> None:
    """A comment is no token by default; an option keeps it, whole."""
    source = "x = 1  # one\n"
    assert analyse(source, "python").tokens == ("x", "=", "1")
    assert analyse(source, "python", comments=True).tokens == ("x", "=", "1", "# one")


def test_php_without_its_tag() -> None:
    """Models often leave the opening tag out; it is a program all the same."""
    with_tag, without = (tree(tag + PROGRAMS["php"][0][5:], "php") for tag in ("<?php", ""))
    assert "function_definition" in without.kinds
    assert [kind for kind in with_tag.kinds if kind != "php_tag"] == list(without.kinds)


def test_depth_costs_no_recursion() -> None:
    """A program of ten thousand brackets has a tree of as many levels."""
    deep = tree("[" * 10_000 + "]" * 10_000, "python")
    assert pair_subtree([deep, deep]) is not None


def test_an_unknown_language() -> None:
    """A language without a grammar is refused with the closest one."""
    with pytest.raises(ConfigError, match="did you mean 'python'"):
        analyse("x", "pyhton")


def test_grammars_have_versions() -> None:
    """Node counts depend on the versions of the core and the grammar."""
    assert grammars.packages("c_sharp") == ("tree-sitter", "tree-sitter-c-sharp")
