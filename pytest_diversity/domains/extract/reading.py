"""What a language says of a piece of text: the statements of a program, or where it is none."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

__all__ = ["Piece", "Reader", "Statement", "acting", "longest_program", "piece", "without"]

_CUTS = 8  # statements that a broken program is shortened by, at most


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement at the top level of a program.

    Attributes:
        first: Its first line, from 0, with its decorators.
        end: The line after its last one.
        binds: The names that it defines, imports or assigns.
        whole: Those of them that it defines with a body: no stubs, no imports.
        changes: The names that it binds, or whose values it may change.
        reads: The names of the module, or of none, that it uses.
        static: Whether it only says what there is: a function, a class, an import.
        idle: Whether it does nothing, as a lone word does that is really prose.
        methods: Of a class `Solution`, its methods.
    """

    first: int
    end: int
    binds: frozenset[str]
    whole: frozenset[str]
    changes: frozenset[str]
    reads: frozenset[str]
    static: bool = False
    idle: bool = False
    methods: frozenset[str] = frozenset()

    def completes(self, entry_point: str) -> bool:
        """Whether it defines the entry point, and not only its signature."""
        return entry_point in self.whole or entry_point in self.methods


class Reader(Protocol):
    """What is known of a programming language.

    Attributes:
        starts: Matches a line with which code may begin, among prose.
        known: Names that every program has.
    """

    starts: re.Pattern[str]
    known: frozenset[str]

    def parses(self, text: str) -> bool:
        """Whether the text is a program, possibly an empty one."""

    def read(self, text: str) -> Sequence[Statement] | int:
        """The statements of a program; the line of the first error, from 0, if it is none."""

    def adapted(self, program: str, entry_point: str) -> str:
        """The program, whose entry point is a method alone, with that made a function."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of an answer that may be its program.

    Attributes:
        text: As it would be run.
        statements: Its statements; none if it is no program.
        tag: The language that the answer calls it, if it does.
    """

    text: str
    statements: tuple[Statement, ...] = ()
    tag: str | None = None

    @property
    def codes(self) -> bool:
        """Whether it is a program that does something."""
        return any(not one.idle for one in self.statements)

    @property
    def defines(self) -> bool:
        """Whether it has a function, a class or an import."""
        return any(one.static for one in self.statements)

    def completes(self, entry_point: str) -> bool:
        """Whether it defines the entry point; using it to define it anew is not enough."""
        return any(
            one.completes(entry_point) and (one.static or entry_point not in one.reads)
            for one in self.statements
        )

    def binds(self, entry_point: str) -> bool:
        """Whether it has the entry point at all, be it a signature alone or an import."""
        return any(entry_point in one.binds | one.methods for one in self.statements)

    def source(self, statement: Statement) -> str:
        """The lines of one of its statements."""
        return "\n".join(self.text.split("\n")[statement.first : statement.end])


def piece(text: str, reader: Reader, tag: str | None = None) -> Piece:
    """Read a text; it is a piece without statements where it does not parse."""
    read = reader.read(text)
    return Piece(text, () if isinstance(read, int) else tuple(read), tag)


def longest_program(text: str, reader: Reader) -> Piece:
    """The longest beginning of a text that is a program, cut between its statements."""
    for _ in range(_CUTS):
        read = reader.read(text)
        if not isinstance(read, int):
            return Piece(text, tuple(read))
        lines = text.split("\n")
        tops = (n for n in range(min(read, len(lines) - 1), 0, -1) if re.match(r"\S", lines[n]))
        text = "\n".join(lines[: next(tops, 0)])
    return Piece("")


def acting(given: Piece) -> Piece:
    """The piece less the statements that do nothing."""
    return without(given, [one for one in given.statements if one.idle])


def without(given: Piece, dropped: Sequence[Statement]) -> Piece:
    """The piece less some of its statements, and the comments right above them."""
    if not dropped:
        return given
    lines: list[str | None] = list(given.text.split("\n"))
    gone = {one.first for one in dropped}
    above = {one.first: end for one, end in zip(given.statements, _ends(given), strict=True)}
    for one in dropped:
        first = one.first
        while first > above[one.first] and (lines[first - 1] or "").startswith(("#", "//")):
            first -= 1
        lines[first : one.end] = [None] * (one.end - first)
    kept = [n for n, line in enumerate(lines) if line is not None]
    place = {n: new for new, n in enumerate(kept)}
    statements = tuple(
        replace(one, first=place[one.first], end=place[one.first] + one.end - one.first)
        for one in given.statements
        if one.first not in gone
    )
    return Piece("\n".join(str(lines[n]) for n in kept), statements, given.tag)


def _ends(given: Piece) -> list[int]:
    """Where the statement before each one ends."""
    return [0, *(one.end for one in given.statements[:-1])]
