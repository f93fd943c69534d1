"""What each module of a package imports, read from its code; nothing is run."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path

__all__ = ["imports", "modules", "room"]


def modules(package: Path) -> dict[str, Path]:
    """Every module of the package in a folder, by its dotted name."""
    found = {}
    for path in sorted(package.rglob("*.py")):
        parts = path.relative_to(package.parent).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


@cache
def _targets(source: str, package: str) -> Sequence[str]:
    """What a source names; tests plant an import in one of hundreds, and read all of them again."""
    return tuple(_named(ast.parse(source), package))


def imports(name: str, path: Path, known: Mapping[str, Path]) -> tuple[set[str], set[str]]:
    """The modules of its package that a module names, and the top-level names of others.

    At the head, within functions, for types alone, and as text that is exactly a module's name or
    `module:attribute`, as tables of what is imported late hold it.
    """
    top = name.partition(".")[0]
    package = name if path.stem == "__init__" else name.rpartition(".")[0]
    ours, others = set[str](), set[str]()
    for target in _targets(path.read_text(encoding="utf-8"), package):
        if target.partition(".")[0] == top:
            ours.add(_module(target, known))
        elif not target.startswith("text:"):
            others.add(target.partition(".")[0])
        elif (module := target.removeprefix("text:").partition(":")[0]) in known:
            ours.add(module)
    return ours - {name}, others


def _named(tree: ast.AST, package: str) -> Iterator[str]:
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=aliases):
                yield from (alias.name for alias in aliases)
            case ast.ImportFrom(module=module, names=aliases, level=level):
                base = package.rsplit(".", level - 1)[0] if level > 1 else package
                parts = [base, module] if level else [module]
                head = ".".join(part for part in parts if part)
                yield from (f"{head}.{alias.name}" for alias in aliases)
            case ast.Constant(value=str(text)) if "." in text and " " not in text:
                yield f"text:{text}"


def _module(target: str, known: Mapping[str, Path]) -> str:
    """The longest beginning of a dotted name that is a module: the rest is a name in it."""
    while target not in known:
        target = target.rpartition(".")[0]
    return target


def room(module: str) -> str:
    """The folder or the file of the package's root that a module is in."""
    _, _, inside = module.partition(".")
    return inside.partition(".")[0]
