r"""Where the final answer stands: `\boxed{}`, `<answer>`, `#### 42`, "the answer is", or all of it.

All patterns are linear in the text, which is hostile.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

from pytest_diversity.domains.answers.meaning import LONGEST, number, result
from pytest_diversity.errors import ConfigError, first_line
from pytest_diversity.features import UndefinedFeatureError
from pytest_diversity.functions import named

__all__ = ["Found", "Reader", "find", "marked", "reader"]

_SECONDS = 1.0  # for one text and a pattern of the user's: all of ours take a thousandth
_WORDS = 5  # of a text that is nothing but its answer
_FARTHEST = 100_000  # characters from the end of a text; more is no answer of a model
_LOOKS = 20  # at what may be an answer, from the last
_BRACE = re.compile(r"\\(?:boxed|fbox)[ \t]*\{|\\.|[{}]", re.DOTALL)
_OPEN = re.compile(r"\\(?:boxed|fbox)\b")  # and cut off before it was closed
_TAG = re.compile(r"<(/?)answer>", re.IGNORECASE)
_HASHES = re.compile(r"####[ \t]*([^\s#][^\n#]*)")
_WORD = re.compile(r"\(?(?:[A-Z]|yes|no|true|false)\)?", re.IGNORECASE)
_SAID = re.compile(
    r"(?:(?m:^[ \t]*A)(?=[ \t]*:)|\b(?:answers?|(?:correct|right|best)[ \t]+(?:option|choice))\b)"
    r"(?:[ \t]+(?:to|for|of)\b[^.:\n]{1,120}?)??"
    r"[*_ \t]*(?:\b(?:is|are|was|would be|will be|must be|should be)\b|[:\uff1a=])"
    r"(?:[ \t]*\b(?:thus|therefore|then|simply|just)\b)?[*_: \t]*",
    re.IGNORECASE,
)
# A model that was not asked to stop goes on with the next question.
_TURN = re.compile(
    r"\n[ \t]*(?:\*\*|#{1,3} )?(?:Q|Question|Problem|Exercise|User|Human|Instruction)\b"
    r"[ \t]*\d{0,4}[ \t]*(?:\*\*)?[:.]"
)
_LINE = re.compile(r"[^\n]+")
_NO_TEXT = re.compile(r"(?:[\s$*_`]|\\[\[\]()])*")  # marks of mathematics and of markdown alone
_END = re.compile(r"[.!?](?=[\"'*)\]]*(?:\s|$))")
_WHY = re.compile(r",?\s+(?:because|since)\b")
_SHORTENED = {"dr", "mr", "mrs", "ms", "st", "vs", "no", "prof", "jr", "sr", "approx"}


class Found(NamedTuple):
    """A final answer as it was said, and where it begins and ends with what marks it."""

    said: str
    start: int
    end: int


Reader: TypeAlias = Callable[[str], Found | None]


def find(text: str) -> Found | None:
    """The final answer of `text`; None where there is none.

    The last of those in a form of their own counts; without one, the last that is said in words;
    else the whole text, where it is one line of at most five words, or an equation.
    """
    before = max(0, len(text) - _FARTHEST)
    tail = text[before:]
    turn = next((m.start() for m in _TURN.finditer(tail) if tail[: m.start()].strip()), None)
    found = (_find(tail[:turn]) if turn else None) or _find(tail)
    return found and Found(found.said, before + found.start, before + found.end)


def _find(text: str) -> Found | None:
    return marked(text) or _said(text) or _whole(text)


def marked(text: str) -> Found | None:
    r"""The last `\boxed{...}`, `<answer>...</answer>` or `#### ...`."""
    found = [*_boxed(text), *_tagged(text), *_hashed(text)]
    return max(found, key=lambda one: one.start, default=None)


def _boxed(text: str) -> Iterator[Found]:
    """The box that was opened last, of those that are closed."""
    waiting: list[re.Match[str] | None] = []
    last: Found | None = None
    for brace in _BRACE.finditer(text):
        if brace[0] == "}":
            begin = waiting.pop() if waiting else None
            if begin and (last is None or begin.start() > last.start):
                said = text[begin.end() : brace.start()]
                last = Found(said, begin.start(), brace.end())
        elif brace[0].endswith("{") and brace[0] != r"\{":
            waiting.append(brace if len(brace[0]) > 1 else None)
    if last:
        yield last


def _tagged(text: str) -> Iterator[Found]:
    begin = None
    for tag in _TAG.finditer(text):
        if not tag[1]:
            begin = tag
        elif begin:
            yield Found(text[begin.end() : tag.start()], begin.start(), tag.end())
            begin = None


def _hashed(text: str) -> Iterator[Found]:
    """`#### 42`; a heading of the fourth level begins so, too."""
    for line in list(_HASHES.finditer(text))[-_LOOKS:]:
        said = line[1].strip()
        if len(said) <= LONGEST and (_WORD.fullmatch(said) or number(said) is not None):
            yield Found(said, *line.span())


def _said(text: str) -> Found | None:
    phrases = list(_SAID.finditer(text))[: -_LOOKS - 1 : -1]
    return next(filter(None, (_sentence(text, *one.span()) for one in phrases)), None)


def _sentence(text: str, mark: int, start: int) -> Found | None:
    """What stands there up to the end of the sentence, on this line or on the next with a text."""
    for line in _LINE.finditer(text, start, start + 2 * LONGEST):
        if _NO_TEXT.fullmatch(line[0]):
            continue
        said = line[0][: _stop(line[0])]
        if not any(character.isalnum() for character in said):
            return None
        return Found(said, mark, line.start() + len(said))
    return None


def _stop(line: str) -> int:
    """Where the answer ends: with its sentence, or before a reason; not after an initial."""
    why = _WHY.search(line)
    line = line[: why.start()] if why else line
    for mark in _END.finditer(line):
        word = line[: mark.start()].split()[-1:]
        last = word[0].strip("(*\"'") if word else ""
        initial = len(last) == 1 and last.isupper() and line[mark.end() :].strip(" *\"')")
        if not initial and last.lower() not in _SHORTENED:
            return mark.start()
    return len(line)


def _whole(text: str) -> Found | None:
    said = text.strip()
    if "\n" in said or len(said) > LONGEST or said.endswith(":"):
        return None
    if len(said.split()) > _WORDS and number(said) is None and result(said) is None:
        return None
    if _OPEN.search(said) or not any(character.isalnum() for character in said):
        return None
    start = text.index(said)
    return Found(said, start, start + len(said))


def reader(extract: str, root: Path | None = None) -> Reader:
    r"""What finds answers, by its name: `auto`, `regex:PATTERN` or `callable:MODULE:FUNCTION`.

    Args:
        extract: Its name.
        root: Where a function's module is looked for, too.

    Raises:
        ConfigError: It is none of these, the pattern is none, or there is no such function.
    """
    way, _, how = extract.partition(":")
    if extract == "auto":
        return find
    if way == "regex" and how:
        return _of_pattern(how)
    if way == "callable" and how:
        function = named("extract", extract, root or Path())
        return lambda text: _returned(how, function, text)
    raise ConfigError(
        f"extract cannot be {extract!r}",
        fix=r"write auto, 'regex:Result: (\d+)' or 'callable:MODULE:FUNCTION'",
    )


def _of_pattern(pattern: str) -> Reader:
    """The last match counts; of it the first group, where there is one."""
    import regex  # noqa: PLC0415 - rarely asked; unlike re it can be told when to stop

    try:
        compiled = regex.compile(pattern)
    except regex.error as error:
        raise ConfigError(
            f"extract has the pattern {pattern!r}, which is none: {first_line(error)}",
            fix="correct it, as Python writes patterns",
        ) from None

    def read(text: str) -> Found | None:
        last = None
        try:
            for last in compiled.finditer(text, timeout=_SECONDS):  # noqa: B007 - the last counts
                pass
        except TimeoutError:
            raise UndefinedFeatureError(
                f"the pattern {pattern!r} of extract takes more than {_SECONDS:g} s for one text",
                fix="write it without repetitions within repetitions",
            ) from None
        group = 1 if compiled.groups else 0
        if last is None or last[group] is None:
            return None
        return Found(last[group], *last.span(group))

    return read


def _returned(path: str, function: Callable[[str], Any], text: str) -> Found | None:
    try:
        said = function(text)
    except Exception as error:
        raise UndefinedFeatureError(
            f"{path} of extract fails on a text: {first_line(error)}", fix="correct it"
        ) from error
    if said is None:
        return None
    if isinstance(said, bool) or not isinstance(said, str | int | float):
        raise UndefinedFeatureError(
            f"{path} of extract returned {type(said).__name__}",
            fix="return the answer as a string or a number, or None where there is none",
        )
    start = text.rfind(str(said))
    return Found(str(said), start, start + len(str(said))) if start >= 0 else Found(str(said), 0, 0)
