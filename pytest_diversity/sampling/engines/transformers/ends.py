"""Where a text ends: at one of the model's end tokens, or before a stop string."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

__all__ = ["Ends"]

_BEFORE = 4  # a character has at most four bytes, and a token of bytes alone may begin within one


@dataclass(frozen=True, slots=True)
class Ends:
    """What ends a text.

    Attributes:
        tokenizer: Of the model.
        tokens: Ids of its end tokens, which are no part of the text.
        strings: Stop strings, which are no part of it either; they may begin within one token and
            end within another.
        marks: Ids of special tokens that mark thoughts: a text with one keeps what is special.
    """

    tokenizer: Any
    tokens: frozenset[int]
    strings: tuple[str, ...]
    marks: frozenset[int] = frozenset()

    def __call__(self, tokens: Sequence[int]) -> bool:
        """Whether a text ends with the last of `tokens`; call it after each one."""
        if tokens[-1] in self.tokens:
            return True
        # A token holds a byte or more, so that a stop string it completes begins among the last.
        tail = self.tokenizer.decode(tokens[-self.window :]) if self.strings else ""
        return any(string in tail for string in self.strings)

    @property
    def window(self) -> int:
        """How many of the last tokens are enough to tell."""
        return _BEFORE + max((len(string.encode()) for string in self.strings), default=0)

    def whole(self, tokens: Sequence[int]) -> list[int]:
        """`tokens` up to the one that ends the text, that one included; all if none does."""
        lengths = range(1, len(tokens) + 1)
        return list(tokens[: next((n for n in lengths if self(tokens[:n])), len(tokens))])

    def text(self, tokens: Sequence[int]) -> str:
        """The text of tokens without their end tokens, cut before the first stop string."""
        skipped = self.marks.isdisjoint(tokens)
        text: str = self.tokenizer.decode(tokens, skip_special_tokens=skipped)
        found = [place for string in self.strings if (place := text.find(string)) >= 0]
        return text[: min(found, default=len(text))]
