"""What form an answer has: prose, a list, a table, a refusal."""

from __future__ import annotations

import re
from collections import Counter

__all__ = ["FORMATS", "response_format"]

FORMATS = ("empty", "refusal", "code", "table", "heading", "list", "quote", "verse", "prose")

# Only the opening counts: a story may have a character who is sorry.
_REFUSAL = re.compile(
    r"\W*(?:(?:i'?m|i am) (?:really |so |very )?(?:sorry|afraid)\b.{0,80}\b(?:can'?t|cannot|unable"
    r"|not able|won'?t)"
    r"|(?:i (?:can'?t|cannot|won'?t|will not|am unable to|am not able to|must decline"
    r"|have to decline))|i'm (?:unable|not able) to"
    r"|as an? (?:ai|artificial intelligence|(?:large )?language model)\b)",
    re.IGNORECASE | re.DOTALL,
)
# What a line opens with; only the first alternative that fits counts.
_LINE = re.compile(
    r"""[ \t]*(?=[`~|\#*=+>(\u2022\d-]|[a-zA-Z][.)])(?:
        (?P<code>`{3,}|~{3,})
      | (?P<table>\|.*\|\s*$)
      | (?P<heading>\#{1,6}\s+\S|\*\*[^*]+\*\*:?\s*$|(?:=|-){3,}\s*$)
      | (?P<list>(?:[-*+\u2022]|\(?(?:\d+|[a-zA-Z])[.)])\s+\S)
      | (?P<quote>>)
    )""",
    re.VERBOSE,
)
_MOST = 0.5  # of the lines
_VERSE_LINE = 60  # characters; lines of verse are shorter, paragraphs longer
_FEWEST_VERSES = 3


def response_format(text: str) -> str:
    """The format of an answer, one of `FORMATS`: a documented rule, not a judge.

    In this order: `empty`; `refusal`, if it opens like one; `code`, if it has a fenced block;
    `table`, `list` or `quote`, if most of its lines are of one; `heading`, if any line is one;
    `verse`, if it has three lines or more and most are short; else `prose`.
    """
    lines = [line for line in text.splitlines() if line.strip()]
    if not lines:
        return "empty"
    if _REFUSAL.match(text[:400].replace("\u2019", "'")):
        return "refusal"
    found = Counter(match.lastgroup for match in map(_LINE.match, lines) if match)
    if found["code"]:
        return "code"
    for name in ("table", "list", "quote"):
        if found[name] >= _MOST * len(lines):
            return name
    if found["heading"]:
        return "heading"
    short = sum(len(line) <= _VERSE_LINE for line in lines)
    verse = len(lines) >= _FEWEST_VERSES and short > _MOST * len(lines)
    return "verse" if verse else "prose"
