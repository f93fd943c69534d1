"""What a final answer means: a text that is the same for answers that say the same.

Numbers are exact fractions, whatever they are written as. Everything else is compared as it is
written, less what only typesets it. Nothing is computed: `9**9**9**9` stays a text.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from fractions import Fraction

__all__ = ["LONGEST", "meaning", "number", "numbers_in", "result"]

LONGEST = 300  # characters: what is longer is no short answer
_BOLD = re.compile(r"^\s*\*\*([^*]+)\*\*")
_VULGAR = re.compile(r"(?<=\d)(?=[¼½¾⅐-⅞])")  # 1½ is a number and a fraction
_RAISED = re.compile(r"[⁻⁰¹²³⁴-⁹]+")
_THIN = re.compile(r"(?<=\d)(?:\\[,!;: ]|\{,\}|[\u00a0\u202f\u2009])(?=\d{3}(?!\d))")
# What only typesets an answer, and what stands for something plainer; in this order.
_PLAINER: Sequence[tuple[re.Pattern[str], str]] = [
    (re.compile(pattern), plain)
    for pattern, plain in (
        (r"\\left(?![a-z])|\\right(?![a-z])|\\displaystyle|\\[!,;:]|\\quad|\\\$|\\[()\[\]]", " "),
        (r"\\\\", ";"),  # a row of a matrix ends
        (r"\\%", "%"),
        (r"\^\s*\{?\s*\\circ\s*\}?|\\degree\b|\\circ\b", "°"),
        (r"\\(?:cdot|times|ast)(?![a-z])|[\u00d7\u00b7]", "*"),
        (r"\\div(?![a-z])|[\u00f7\u2044]", "/"),
        (r"\\pm(?![a-z])|±", "+-"),
        (r"\\(?:approx|sim)(?![a-z])|≈", "~"),
        (r"\\le(?:q|qslant)?(?![a-z])|≤", "<="),
        (r"\\ge(?:q|qslant)?(?![a-z])|≥", ">="),
        (r"\\ne(?:q)?(?![a-z])|≠", "!="),
        (r"\\in(?![a-z])|∈", " in "),
        (r"\\infty(?![a-z])|∞", "infinity"),
        (r"\\pi(?![a-z])|π", "pi"),
        (r"√\s*(\d+|[a-z])", r"sqrt(\1)"),
        (r"\\([dtc])frac(?![a-z])", r"\\frac"),
        (r"\\(frac|sqrt)\s+(?=[\w{\\])", r"\\\1"),
        (r"\\frac\s*(\d)\s*(\d)", r"\\frac{\1}{\2}"),
        (r"\\sqrt\s*(\w)", r"\\sqrt{\1}"),
        (r"(\d)\s*\\frac\s*\{\s*(\d+)\s*\}\s*\{\s*(\d+)\s*\}", r"\1 \2/\3"),
    )
]
# From the inside out, since none holds a brace.
_INNER: Sequence[tuple[re.Pattern[str], str]] = [
    (re.compile(pattern), plain)
    for pattern, plain in (
        (r"\\frac\s*\{([^{}]*)\}\s*\{([^{}]*)\}", r"(\1)/(\2)"),
        (r"\\sqrt\s*\[\s*([^\[\]{}]*)\]\s*\{([^{}]*)\}", r"root(\1,\2)"),
        (r"\\sqrt\s*\{([^{}]*)\}", r"sqrt(\1)"),
        (r"\\(?:boxed|fbox|text|mbox|math[a-z]+|operatorname|text[a-z]+)\s*\{([^{}]*)\}", r" \1 "),
        (r"([\^_])\s*\{([^{}]*)\}", r"\1(\2)"),
    )
]
_ATOM = re.compile(r"(?<![\w)])\((\d*\.?\d+|[a-z])\)(?!\^)")
_NUMERATOR = re.compile(r"(?<![\w)/^])\(([^()+\-,]*(?:\([^()]*\)[^()+\-,]*)?)\)(?=/)")
_POWER = re.compile(r"\^\((\d+|[a-z])\)")
_ABOUT = re.compile(r"^(?:about|approximately|approx\.?|roughly|around|nearly|~)\s*")
_MONEY = re.compile(r"[$€£¥₹]|\b(?:usd|eur|gbp|rs\.?)(?=[\s\d])|(?<=\d)\s*(?:usd|eur|gbp)\b")
_NUMBER = re.compile(
    r"([-+]?)\s*"
    r"(?:(?P<whole>\d+)\s+(?=\d+\s*/))?"
    r"(?P<digits>\d+(?:\.\d+)?|\.\d+)"
    r"(?:e(?P<e>[-+]?\d{1,3})(?![\d.])|\s*(?:\*|x)\s*10\s*\^\s*\(?(?P<ten>[-+]?\d{1,3})\)?(?!\d))?"
    r"(?:\s*/\s*(?P<below>[-+]?\d+(?:\.\d+)?))?"
    r"(?P<unit>.*)"
)
_THOUSANDS = re.compile(r"(?<=\d),(?=\d{3}(?!\d))")
_QUOTIENT = re.compile(r"\(([-+]?\d+\.?\d*)\)/\(?([-+]?\d+\.?\d*)\)?")
_UNIT = re.compile(r"(?:\s*[%°]\s*[a-z]?|\s*[^\W\d_]+\.?(?:[ /-][^\W\d_]+){0,3}(?:\s*\^\d)?)?")
_VARIABLE = re.compile(r"[a-z]|\s+(?:[abceiknxyz]|[ap]\.?m\.?)|\s*(?:pi|sqrt|infinity)\b.*")
_NO_UNIT = {"and", "or", "to", "plus", "minus", "times", "mod"}
_TIMES = {
    "dozen": 12,
    "hundred": 100,
    "thousand": 10**3,
    "million": 10**6,
    "billion": 10**9,
    "trillion": 10**12,
}
_SMALL = (
    *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"),
    *("eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen"),
    "nineteen",
)
_TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_SPELT = {
    **{word: value for value, word in enumerate(_SMALL)},
    **{ten: 20 + 10 * index for index, ten in enumerate(_TENS)},
    **{
        f"{ten}-{one}": 20 + 10 * index + value
        for index, ten in enumerate(_TENS)
        for value, one in enumerate(_SMALL[1:10], 1)
    },
}
_NAMED = re.compile(r"^(?:[a-z](?:_\(?\w\)?)?(?:\([a-z]\))?\s*(?:=|in\s)|=)\s*(?=\S)")
_TIMES_SIGN = re.compile(r"(?<=\d)\s*x\s*(?=\d)")
_LETTER = re.compile(r"(?<![a-z])[a-z](?![a-z])")  # what is to be found, so that nothing is yet
_DECIDED = re.compile(r"^(yes|no|true|false)(?=[,;:.!\s]|$)")
_ARTICLE = re.compile(r"^(?:the|an?)\s+(?=\w\w)")
_AND = re.compile(r",?\s+and\s+")
_FORMULA = re.compile(r"[\\^=+*/<>\d]")
_BRACKETS = {"(": ")]", "[": ")]", "{": "}"}


def meaning(said: str) -> str | None:
    """What an answer means; None where it is too long to be one, or says nothing.

    Units, currencies and percent signs are left out of numbers; case, articles and marks around a
    text are no part of it. A list is compared in any order, a tuple in its own.
    """
    if len(said) > LONGEST:
        return None
    return _meaning(_plain(said), depth=4) or None


def number(said: str) -> Fraction | None:
    """The number that an answer is, exactly, less its unit; None where it is none."""
    return _number(_plain(said)) if len(said) <= LONGEST else None


def numbers_in(said: str) -> list[str]:
    """The numbers in a sentence, as they are written."""
    return re.findall(r"[-+]?(?:\d[\d,]*\.?\d*|\.\d+)(?:/\d+)?", _plain(said[-LONGEST:]))


def result(said: str) -> str | None:
    """The number that an equation comes to, as in `8 + 4 = 12` and `12 = 8 + 4`; None without one.

    `2x = 10` comes to none yet, and `x = 5, y = 3` to two.
    """
    if len(said) > LONGEST or "=" not in said:
        return None
    plain = _THOUSANDS.sub("", _plain(said))
    sides = [side.strip() for side in plain.split("=")]
    for chosen in (-1, 0):
        others = [*sides]
        side = others.pop(chosen)
        if _number(side) is not None and others and all(map(_is_value, others)):
            return side
    return None


def _is_value(side: str) -> bool:
    """Whether a side of an equation is a name, or an expression in which nothing is unknown."""
    if not side or re.search(r"[,;<>~!]", side):
        return False
    return _LETTER.fullmatch(side) is not None or not _LETTER.search(_TIMES_SIGN.sub("*", side))


def _plain(said: str) -> str:
    """In lower case, without what only typesets it."""
    text = _BOLD.sub(r"\1", said).strip(" \n\t*_`")
    text = _RAISED.sub(lambda m: f"^({unicodedata.normalize('NFKC', m[0])})", text)
    text = _THIN.sub(",", _VULGAR.sub(" ", text))
    text = unicodedata.normalize("NFKC", text).replace("\u2212", "-").replace("\u2044", "/")
    text = text.replace("\\{", "⦃").replace("\\}", "⦄").casefold()
    for pattern, plain in _PLAINER:
        text = pattern.sub(plain, text)
    before = None
    while before != text:
        before = text
        for pattern, plain in _INNER:
            text = pattern.sub(plain, text)
    text = text.replace("$", " ").replace("⦃", "{").replace("⦄", "}").replace("**", "^")
    return _trimmed(text.replace("\\", " "))


def _trimmed(text: str) -> str:
    text = " ".join(text.split()).strip(" ,;:!?`'\"\u201c\u201d\u2018\u2019_*").rstrip(" .,;:!?")
    return re.sub(r"^[\u2013\u2014](?=[\d.])", "-", text)


def _meaning(text: str, depth: int) -> str:
    decided = _DECIDED.match(text)
    if decided:
        return decided[1]
    value = _number(text)
    if value is not None:
        return str(value)
    named = _NAMED.match(text)
    if named and depth:
        return _meaning(_trimmed(text[named.end() :]), depth - 1)
    several = _several(text, depth) if depth else None
    if several is not None:
        return several
    return _formula(text) if _FORMULA.search(text) else _ARTICLE.sub("", text)


def _formula(text: str) -> str:
    """As it is written, without spaces and brackets that change nothing."""
    text, before = re.sub(r"\s+", "", text), None
    while before != text:
        before = text
        text = _POWER.sub(r"^\1", _NUMERATOR.sub(r"\1", _ATOM.sub(r"\1", text)))
    return re.sub(r"(?<=\d)\*(?=[a-z(])", "", text)  # 2*x is 2x


def _several(text: str, depth: int) -> str | None:
    """A tuple or interval in its order; a set, and a list without brackets, in any."""
    first, last = text[:1], text[-1:]
    enclosed = last in _BRACKETS.get(first, " ") and _closes(text) and bool(last)
    inner = text[1:-1] if enclosed else _AND.sub(",", text)
    parts = [one.strip() for one in _split(inner)]
    if len(parts) < 2 or not all(parts):
        if enclosed and parts[0]:  # (42)
            return _meaning(_trimmed(parts[0]), depth - 1)
        return None
    read = [_meaning(_trimmed(part), depth - 1) for part in parts]
    if enclosed and first != "{":
        return first + ",".join(read) + last
    return "{" + ",".join(sorted(set(read))) + "}"


def _closes(text: str) -> bool:
    """Whether the first bracket is closed by the last character, not before."""
    level = 0
    for index, character in enumerate(text):
        level += (character in "([{") - (character in ")]}")
        if level <= 0 and index < len(text) - 1:
            return False
    return level == 0


def _split(text: str) -> list[str]:
    """At the commas that are in no brackets."""
    parts, level, begin = [], 0, 0
    for index, character in enumerate(text):
        level += (character in "([{") - (character in ")]}")
        if character == "," and level == 0:
            parts.append(text[begin:index])
            begin = index + 1
    return [*parts, text[begin:]]


def _number(text: str) -> Fraction | None:
    text = _ABOUT.sub("", text)
    if text in _SPELT:
        return Fraction(_SPELT[text])
    text = _MONEY.sub("", text).strip()
    text = _THOUSANDS.sub("", text)
    found = _NUMBER.fullmatch(_QUOTIENT.sub(r"\1/\2", text))
    if not found or not _is_unit(found["unit"]):
        return None
    below = Fraction(found["below"] or 1)
    if not below:
        return None
    power = int(found["e"] or found["ten"] or 0)
    value = Fraction(found["digits"]) * Fraction(10) ** power / below + int(found["whole"] or 0)
    times = _TIMES.get(found["unit"].strip().split(" ")[0], 1)
    return (-value if found[1] == "-" else value) * times


def _is_unit(text: str) -> bool:
    """Whether it is what a number is counted in, or nothing; not a variable, or more to read."""
    if not text.strip():
        return True
    words = {word.strip(".") for word in re.split(r"[\s/-]+", text)}
    return bool(_UNIT.fullmatch(text)) and not _VARIABLE.fullmatch(text) and not words & _NO_UNIT
