"""The fenced blocks of an answer, as models write them: nested, unclosed, on lines with prose."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

__all__ = ["Block", "blocks"]

_FENCE = re.compile(r"(?P<before>[^`~]*)(?P<fence>`{3,}|~{3,})(?P<info>[^`~]*)")
_INFO = re.compile(r"[\s:{.]*(?P<tag>[A-Za-z][A-Za-z+#]*)?[\d.]*")
_ENDS = 6  # fences that may stand in the strings of one block
_MOST = 100  # blocks of an answer


class Block(NamedTuple):
    """What stands between two fences.

    Attributes:
        text: Less the indentation of its fence.
        tag: The language that its fence names, in small letters; empty if none.
        beside: What stands on the line of the fence after the language, where it may be code.
    """

    text: str
    tag: str
    beside: str


class _Fence(NamedTuple):
    line: int
    before: str
    fence: str
    info: str


def blocks(text: str, parses: Callable[[str], bool]) -> Iterator[Block]:
    """The blocks of a text, in order.

    A block ends at the first fence before which it parses: fences in its strings are its own. One
    that parses nowhere ends at the next fence, of which one with a language opens another block.
    """
    lines = text.split("\n")
    fences = [found for n, line in enumerate(lines) if (found := _fence(n, line))]
    position = 0
    for _ in range(_MOST):
        if position >= len(fences):
            return
        opening = fences[position]
        if opening.before.strip() and opening.info.strip() and len(opening.info.split()) > 2:
            position += 1  # ticks amid a sentence
            continue
        later = [
            f for f in fences[position + 1 : position + 1 + _ENDS] if f.fence[0] == opening.fence[0]
        ]
        yield _block(lines, opening, end := _end(lines, opening, later, parses))
        position = next(
            (n for n in range(position + 1, len(fences)) if fences[n].line >= end), len(fences)
        )
        if position < len(fences) and not fences[position].info.strip(" \t*_.:"):
            position += 1


def _fence(number: int, line: str) -> _Fence | None:
    found = _FENCE.fullmatch(line)
    if found is None or (found["fence"][0] == "~" and found["before"].strip()):
        return None
    return _Fence(number, found["before"], found["fence"], found["info"])


def _end(
    lines: Sequence[str], opening: _Fence, later: Sequence[_Fence], parses: Callable[[str], bool]
) -> int:
    """The line at which a block ends."""
    ends = [one.line for one in later] or [len(lines)]
    if len(later) < _ENDS:
        ends.append(len(lines))
    for end in ends:
        text = _block(lines, opening, end).text
        if not text.strip() or parses(text):
            return end
    return ends[0]


def _block(lines: Sequence[str], opening: _Fence, end: int) -> Block:
    body = list(lines[opening.line + 1 : end])
    last = _FENCE.fullmatch(lines[end]) if end < len(lines) else None
    if last and last["before"].strip():
        body.append(last["before"])
    margin = len(opening.before) if not opening.before.strip() else 0
    plain = [re.sub(rf"^[ \t]{{0,{margin}}}", "", line) for line in body]
    info = _INFO.match(opening.info)
    tag = (info["tag"] or "") if info else ""
    beside = opening.info[info.end() :].strip() if info else ""
    return Block("\n".join(plain), tag.lower(), beside)
