"""Choices: the options that a prompt offers, and which of them an answer takes."""

from __future__ import annotations

import re
from collections.abc import Mapping

from pytest_diversity.domains.answers.meaning import LONGEST, meaning

__all__ = ["choice", "options"]

_MARK = re.compile(r"(?:^|(?<=[\s(]))\(?([A-J])[).:][ \t]+(?=\S)", re.MULTILINE)
_TAKEN = re.compile(
    r"[\s*_\"'$]*(?i:option|choice|answer)?[\s*_:]*(?:\\(?:text|textbf|mathrm)\{)?(?:"
    r"[(\[]([A-Ja-j])[)\]]"
    r"|([A-J])(?=[).:}*,]|\s*$|\s+(?:because|since|as|is|-|—)\s)"
    r"|([a-j])(?=[).]?\s*$))"
)


def options(prompt: str) -> Mapping[str, str]:
    """The texts of the options that a prompt offers last, by letter; empty where it offers none."""
    marks = list(_MARK.finditer(prompt))
    run: list[re.Match[str]] = []
    last: list[re.Match[str]] = []
    for mark in marks:
        run = [mark] if mark[1] == "A" else [*run, mark] if run and _follows(run[-1], mark) else []
        last = run if len(run) > 1 else last
    ends = [mark.start() for mark in last[1:]]
    if last:
        ends.append(_line_end(prompt, last[-1].end()))
    return {mark[1]: prompt[mark.end() : end].strip() for mark, end in zip(last, ends, strict=True)}


def _follows(one: re.Match[str], other: re.Match[str]) -> bool:
    return ord(other[1]) == ord(one[1]) + 1


def _line_end(text: str, start: int) -> int:
    end = text.find("\n", start)
    return len(text) if end < 0 else end


def choice(said: str, offered: Mapping[str, str]) -> str | None:
    """The letter of the option that an answer names or repeats; None where it does neither."""
    if len(said) > LONGEST:
        return None
    taken = _TAKEN.match(said)
    letter = next(filter(None, taken.groups()), "").upper() if taken else ""
    if letter in offered:
        return letter
    means = meaning(said)
    return next((name for name, text in offered.items() if meaning(text) == means), None)
