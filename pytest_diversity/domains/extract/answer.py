"""From an answer to its program: from what is surely code to what can only be taken for it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

from pytest_diversity.domains.extract.choosing import assembled, best
from pytest_diversity.domains.extract.cleaning import cleaned, forms, unmarked
from pytest_diversity.domains.extract.fences import blocks
from pytest_diversity.domains.extract.grammar import Grammar
from pytest_diversity.domains.extract.plain import passages
from pytest_diversity.domains.extract.python import Python
from pytest_diversity.domains.extract.reading import Piece, Reader, acting, longest_program, piece
from pytest_diversity.features.grammars import GRAMMARS

__all__ = ["Extraction", "extract", "extract_program", "reader_of"]

_LONG = 30_000  # characters: what is longer is read as it stands
# What fences call a language beside its own name.
_ALIASES = {
    **dict.fromkeys(("py", "pycon", "ipython", "python-repl", "pyi", "sage"), "python"),
    **dict.fromkeys(("js", "jsx", "mjs", "cjs", "node", "nodejs", "ecmascript"), "javascript"),
    **dict.fromkeys(("ts", "tsx"), "typescript"),
    **dict.fromkeys(("sh", "shell", "zsh", "console", "powershell"), "bash"),
    **dict.fromkeys(("c++", "cc", "cxx", "hpp"), "cpp"),
    "cs": "c_sharp",
    "c#": "c_sharp",
    "csharp": "c_sharp",
    "golang": "go",
    "rs": "rust",
    "rb": "ruby",
}

# Broken code has this much of code, and prose has not.
_DEFINITION = re.compile(
    r"^[ \t]*(?:(?:async|export|default|public|static)[ \t]+)*"
    r"(?:def|class|function|const|let|var|fn|func|import|from|#include)\b.*[({=:;,].*$",
    re.MULTILINE,
)


class Extraction(NamedTuple):
    """What an answer holds.

    Attributes:
        program: Its program; of an answer without one what comes nearest, or all that it says.
        missing: Why it is no program that defines what was asked for; None if it is one.
    """

    program: str
    missing: str | None


def extract_program(answer: str, entry_point: str | None = None, language: str = "python") -> str:
    """The program in an answer; see `extract`."""
    return extract(answer, entry_point, language).program


def extract(
    answer: str, entry_point: str | None = None, language: str = "python", shown: str = ""
) -> Extraction:
    """The program in an answer.

    It is looked for in the whole answer, its fenced blocks, the code between its prose, and that
    between other markup. The first of these that has a complete definition of the entry point
    gives it, the last there counts, and names that it uses are taken from the other pieces.

    Args:
        answer: All that a model said.
        entry_point: What the program must define; None for a script.
        language: One of `GRAMMARS`.
        shown: What the model was shown, whose definitions it may use.
    """
    reader, text = reader_of(language), cleaned(answer)
    seen: list[Piece] = []
    for pieces in _views(text, entry_point, language):
        if chosen := best(pieces, entry_point):
            if entry_point is None:
                return Extraction(chosen.text, None)
            place = max(n for n, one in enumerate(pieces) if one is chosen)
            others = [*reversed(pieces[:place]), *pieces[place + 1 :]]
            others += _shown(shown, language)
            return Extraction(assembled(chosen, others, entry_point, reader), None)
        seen += pieces
    nearest = _nearest(text, seen, entry_point, language)
    if nearest.missing and len(text) > _LONG:
        unread = f"{nearest.missing} in more than {_LONG:,} characters, read as they stand"
        return nearest._replace(missing=unread)
    return nearest


def reader_of(language: str) -> Reader:
    """What reads programs of a language."""
    return Python() if language == "python" else _grammar(language)


@lru_cache
def _grammar(language: str) -> Reader:
    return Grammar(language)


@lru_cache(maxsize=256)
def _shown(text: str, language: str) -> Sequence[Piece]:
    """The pieces of a prompt, which all its answers share."""
    return tuple(one for view in _views(text, None, language) for one in view)


def _views(text: str, entry_point: str | None, language: str) -> Iterator[list[Piece]]:
    """The pieces of a text that may be its program, the surest way to find them first."""
    reader = reader_of(language)
    yield [acting(piece(text, reader))]
    yield list(_fenced(text, entry_point, language, reader))
    yield list(passages(text, reader))
    if len(text) <= _LONG:
        plain = unmarked(text)
        read = {text}
        for form in (*forms(text), *forms(plain)):
            if form not in read:
                read.add(form)
                yield list(passages(form, reader))


def _fenced(text: str, entry_point: str | None, language: str, reader: Reader) -> Iterator[Piece]:
    for block in blocks(text, reader.parses):
        tag = _ALIASES.get(block.tag, block.tag)
        if tag in GRAMMARS and tag != language:
            yield Piece(block.text, tag=tag)
            continue
        yield _repaired(block.text, entry_point, reader, tag)
        if block.beside:
            yield _repaired(f"{block.beside}\n{block.text}", entry_point, reader, tag)


def _repaired(text: str, entry_point: str | None, reader: Reader, tag: str) -> Piece:
    """A block in the form in which it defines the entry point, or else in which it parses."""
    read: list[Piece] = []
    for form in dict.fromkeys(forms(text)):
        read.append(piece(form, reader, tag))
        if entry_point is not None and read[-1].completes(entry_point):
            return acting(read[-1])
    if entry_point is not None:
        for cut in (longest_program(one.text, reader) for one in read if not one.statements):
            if cut.completes(entry_point):
                return acting(cut)
    return next((one for one in read if one.statements), read[0])


def _nearest(
    text: str, seen: Sequence[Piece], entry_point: str | None, language: str
) -> Extraction:
    """What comes nearest to a program, and what it lacks."""
    if not text.strip():
        return Extraction("", "no answer")
    if entry_point is not None:
        for one in seen:
            if one.binds(entry_point):
                return Extraction(one.text, None)
    programs = [one for one in seen if one.codes and (one.tag is not None or one.defines)]
    tagged = [
        one for one in seen if one.text.strip() and not one.statements and one.tag is not None
    ]
    broken = [one for one in tagged if one.tag == language or one.tag not in GRAMMARS]
    if tagged and not broken and not programs:
        return Extraction(max(tagged, key=lambda one: len(one.text)).text, "another language")
    if not broken and not programs and (begins := _DEFINITION.search(text)):
        broken = [Piece(text[begins.start() :])]
    named = [
        one
        for one in broken
        if entry_point and re.search(rf"\b{re.escape(entry_point)}\b", one.text)
    ]
    if programs and not named:
        return Extraction(max(programs, key=lambda one: len(one.text)).text, "another program")
    if broken:
        return Extraction(max(named or broken, key=lambda one: len(one.text)).text, "broken code")
    return Extraction(text, "no code")
