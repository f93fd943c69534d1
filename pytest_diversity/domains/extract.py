"""The program in an answer of a chat model, which is written around it."""

from __future__ import annotations

import re

from pytest_diversity.judges.defines import defines

__all__ = ["extract_program"]

_FENCE = re.compile(r"^([ \t]*)(`{3,}|~{3,})[ \t]*([\w+#.-]*)[^\n]*\n", re.MULTILINE)
_START = re.compile(r"(?:async\s+def|def|class|import|from|@|if\s+__name__)\b|@\w")
_SENTENCE = re.compile(r"[A-Z\"'*#>-][^=()\[\]]*[.:!?*]?$")


def extract_program(answer: str, entry_point: str | None = None) -> str:
    """The program in an answer: of its fenced blocks the first that defines the entry point.

    Where no block does, the longest one; a block that the answer leaves open runs to its end.
    Without any block the whole answer is the program, less sentences before and after it.
    """
    if defines(answer, None):  # all of it is code, whatever fences its docstrings hold
        return answer
    blocks = _blocks(answer)
    if not blocks:
        return _without_sentences(answer)
    if entry_point is not None:
        blocks = [block for block in blocks if _names(block, entry_point)][:1] or blocks
    return max(blocks, key=len)


def _names(block: str, entry_point: str) -> bool:
    """Whether a line of `block`, which need not parse, defines `entry_point`."""
    name = re.escape(entry_point)
    pattern = rf"^(?:async\s+def|def|class)\s+{name}\b|^{name}\s*[:=]"
    return re.search(pattern, block, re.MULTILINE) is not None


def _blocks(answer: str) -> list[str]:
    blocks = []
    position = 0
    while opening := _FENCE.search(answer, position):
        indent, fence, _ = opening.groups()
        end = re.compile(rf"^[ \t]*{fence}{fence[0]}*[ \t\r]*$", re.MULTILINE)
        closing = end.search(answer, opening.end())
        stop, position = closing.span() if closing else (len(answer), len(answer))
        margin = re.compile(rf"^[ \t]{{0,{len(indent)}}}", re.MULTILINE)
        blocks.append(margin.sub("", answer[opening.end() : stop]))
    return [block for block in blocks if block.strip()]


def _without_sentences(answer: str) -> str:
    """Drop sentences before the first line that can only be code, and after the last line."""
    lines = answer.split("\n")
    first = next((i for i, line in enumerate(lines) if _START.match(line)), None)
    if first is None or not any(_SENTENCE.match(line) for line in lines[:first] if line.strip()):
        first = 0
    last = len(lines)
    while last > first and (not lines[last - 1].strip() or _is_sentence(lines[last - 1])):
        last -= 1
    kept = "\n".join(lines[first:last])
    return kept if kept.strip() else answer


def _is_sentence(line: str) -> bool:
    return bool(_SENTENCE.match(line)) and len(line.split()) > 2 and not line.startswith(("#", '"'))
