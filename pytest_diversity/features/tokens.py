"""Words of prose, in any script."""

from __future__ import annotations

from itertools import filterfalse
from sys import intern

from icu4py.breakers import WordBreaker

__all__ = ["words"]


def words(text: str) -> tuple[str, ...]:
    """The words and punctuation marks of `text`, without white space, case kept.

    ICU's word boundaries (Unicode UAX #29) with its dictionaries for scripts that are written
    without spaces: Chinese, Japanese, Thai, Khmer, Lao and Burmese.
    """
    found = filterfalse(str.isspace, WordBreaker(_well_formed(text), "root"))
    # models repeat themselves: a word that is held once takes a tenth of the memory
    return tuple(map(intern, found))


def _well_formed(text: str) -> str:
    """`text` with lone surrogates replaced, which have no UTF-8 form and which ICU refuses."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
