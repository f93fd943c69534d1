"""What models and tools write around an answer and within code, which is neither."""

from __future__ import annotations

import html
import re
import textwrap
from collections.abc import Iterator

from pytest_diversity.thinking import split

__all__ = ["cleaned", "forms", "unmarked"]

# Ends of turns and texts, of every chat template that we know; after one, another turn begins.
_MARK = (
    r"(?:<[|\uff5c][\w\u2581 /-]{1,40}[|\uff5c]>|</s>|<eos>|<EOS>"
    r"|<end_of_turn>|<start_of_turn>|<file_sep>"
    r"|\[/?INST\]|\[EOS\])"
)
_FIRST = re.compile(rf"\s*(?:{_MARK}|<s>|<bos>)(?:assistant\b)?")
_END = re.compile(rf"(?<!['\"]){_MARK}(?=\s*(?:\n|\Z|<|\[))")
_INVISIBLE = re.compile("[\ufeff\u200b\u200c\u200d\u2060]")

# What stands before each line of code: the prompts of a session, quotes, numbers, signs of a diff.
_GUTTERS = (
    re.compile(r"[ \t]*(?:>>>|\.\.\.|In \[\d*\]:|\.{3,}:)(?: (.*)|$)"),
    re.compile(r"[ \t]*>[ \t]?(.*)"),
    re.compile(r"[ \t]*\d+(?:[ \t]?[:.|)])?(?: (.*)|$)"),
)
_ADDED = re.compile(r"^\+", re.MULTILINE)
_OF_DIFF = re.compile(r"[+ ](.*)")
_ENTITY = re.compile(r"&(?:lt|gt|amp|quot|apos|nbsp|#\d+|#x[0-9a-fA-F]+);")
_INLINE = re.compile(r"</?(?:span|b|i|em|strong|a|font|mark|u|kbd|tt|var)(?:\s[^<>\n]*)?>")
_BREAK = re.compile(r"<br[ \t]*/?>\n?")
_TAG = re.compile(
    r"(?:</?[A-Za-z][\w-]*(?:\s[^<>\n]*)?/?>"  # HTML, XML
    r"|\[/?[A-Za-z]+(?:=\w+)?\]"  # [PYTHON]
    r"|\\(?:begin|end)\{\w+\*?\}(?:\[[^\]\n]*\])?(?:\{\w+\})?"  # LaTeX
    r"|\{(?:code|noformat)(?::[^}\n]*)?\}"  # Jira
    r"|`+(?:(?:python|py|javascript|js)\d*\b)?)"  # a span, or a fence of one line
    r"[ \t]*"
)
_QUOTES = re.compile(
    r"^[ \t]*(?:'''|\"\"\")[ \t]*(?:python|py|javascript|js)?\d*[ \t]*$", re.MULTILINE
)
# "Answer: def ...": what is said of code on the line that it begins on.
_LABEL = re.compile(
    r"^[ \t]*[A-Z][\w' ]{0,40}:[ \t]+"
    r"(?=(?:(?:async|export)[ \t]+)?(?:def|class|function|const|let|var)\b|\w+[ \t]*=[^=])",
    re.MULTILINE,
)
_EMPHASIS = re.compile(r"^[ \t]*(?:\*{1,3}|__)(?=\S)|(?<=\S)(?:\*{1,3}|__)[ \t]*$", re.MULTILINE)


def cleaned(answer: str) -> str:
    """The answer less thoughts, tokens of a chat template, and what cannot be seen."""
    text = re.sub(r"\r\n?", "\n", _INVISIBLE.sub("", split(answer).answer))
    while token := _FIRST.match(text):
        text = text[token.end() :]
    end = _END.search(text)
    return text[: end.start()] if end else text


def forms(text: str) -> Iterator[str]:
    """The ways to read a block: as it stands, or less what stands before each of its lines."""
    yield text
    yield textwrap.dedent(text)
    yield text.lstrip()
    if _ENTITY.search(text):
        yield html.unescape(text).replace("\xa0", " ")
    lines = text.split("\n")
    for gutter in (*_GUTTERS, *([_OF_DIFF] if _ADDED.search(text) else [])):
        found = [match[1] or "" for line in lines if (match := gutter.match(line))]
        if found:
            yield textwrap.dedent("\n".join(found))


def unmarked(text: str) -> str:
    """The text with its markup as line breaks, so that code stands on lines of its own."""
    plain = _TAG.sub("\n", _BREAK.sub("\n", _INLINE.sub("", text)))
    if plain != text and _is_escaped(plain):
        plain = html.unescape(plain).replace("\xa0", " ")
    return _LABEL.sub("", _EMPHASIS.sub("", _QUOTES.sub("", plain)))


def _is_escaped(text: str) -> bool:
    """Whether entities stand for all that HTML cannot hold."""
    return bool(_ENTITY.search(text)) and not re.search(r"[<>&]", _ENTITY.sub("", text))
