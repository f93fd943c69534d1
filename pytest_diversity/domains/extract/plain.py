"""Code that stands in prose without any fence."""

from __future__ import annotations

from collections.abc import Iterator

from pytest_diversity.domains.extract.reading import Piece, Reader, acting, longest_program

__all__ = ["passages"]

_TRIES = 32  # lines that look like the beginning of code
_LINES = 500  # of a passage


def passages(text: str, reader: Reader) -> Iterator[Piece]:
    """The passages of a text that are programs, each as long as it parses.

    One begins with a line that looks like code. Lines that parse by accident and do nothing, such
    as a lone word, are left out. Where code is broken, what is indented below it is no code either.
    """
    lines = text.split("\n")
    line = tries = 0
    while line < len(lines) and tries < _TRIES:
        if not reader.starts.match(lines[line]):
            line += 1
            continue
        tries += 1
        margin = _indentation(lines[line])
        found = longest_program("\n".join(_below(lines[line : line + _LINES], margin)), reader)
        if found.codes:
            yield acting(found)
        if found.statements:
            line += found.statements[-1].end
            continue
        line += 1
        while line < len(lines) and (not lines[line].strip() or _indentation(lines[line]) > margin):
            line += 1


def _below(lines: list[str], margin: int) -> Iterator[str]:
    """The lines that are indented at least so far, less this indentation."""
    for line in lines:
        if line.strip() and _indentation(line) < margin:
            return
        yield line[margin:] if line.strip() else ""


def _indentation(line: str) -> int:
    return len(line) - len(line.lstrip(" \t"))
