"""Counting n-grams: tokens are numbered once, and every metric reads the same counts."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from typing import overload

import numpy as np
from numpy.typing import NDArray

from pytest_diversity.errors import ConfigError
from pytest_diversity.metrics._rarefaction import log_missing

__all__ = ["Bags", "Corpus", "Ints", "Tokens"]

Tokens = Sequence[Sequence[Hashable]]
Ints = NDArray[np.int64]

_CODES = 2**62  # what fits into an int64 with room to spare


@dataclass(frozen=True, slots=True)
class Bags:
    """How often each of `size` collections has each of the items; zero counts are left out.

    Attributes:
        size: Number of collections.
        bag: Of each entry the collection; entries are sorted by item, then by collection.
        item: Of each entry the number of the item, from 0 without gaps.
        count: Of each entry how often the collection has the item.
    """

    size: int
    bag: Ints
    item: Ints
    count: Ints

    @classmethod
    def of(cls, size: int, owners: Ints, codes: Ints) -> Bags:
        """Count `codes`, of which each belongs to the collection in `owners` (not decreasing)."""
        order = _order(codes)
        return cls.of_sorted(size, owners[order], codes[order])

    @classmethod
    def of_sorted(cls, size: int, owners: Ints, codes: Ints) -> Bags:
        """Count `codes` that do not decrease, nor do the `owners` of equal ones."""
        starts_item = _changes(codes)
        starts = np.flatnonzero(starts_item | _changes(owners))
        count = np.diff(starts, append=len(codes))
        item = np.cumsum(starts_item)[starts] - 1
        return cls(size, owners[starts], item, count)

    @property
    def items(self) -> int:
        """How many different items there are."""
        return int(self.item[-1]) + 1 if len(self.item) else 0

    @property
    def totals(self) -> Ints:
        """How many items each collection has, repetitions counted; shape (size,)."""
        return self.sums(self.count).astype(np.int64)

    def sums(self, entries: NDArray[np.generic]) -> NDArray[np.float64]:
        """Sum a value of each entry over each collection; shape (size,)."""
        weights = np.asarray(entries, dtype=np.float64)
        return np.bincount(self.bag, weights=weights, minlength=self.size).astype(np.float64)

    def log_missing(self, drawn: Ints) -> NDArray[np.float64]:
        """Of each entry the log probability that none is `drawn` of its collection's items."""
        return log_missing(self.totals[self.bag], self.count, drawn[self.bag])

    def found(self, drawn: Ints) -> NDArray[np.float64]:
        """Of each entry the probability to be among those drawn, as many as `drawn` says."""
        return -np.expm1(self.log_missing(drawn))

    def drawable(self, drawn: Ints) -> Bags:
        """Without the collections of which nothing is drawn."""
        kept = drawn[self.bag] > 0
        return Bags(self.size, self.bag[kept], self.item[kept], self.count[kept])

    def types(self, drawn: Ints | None) -> tuple[float, int]:
        """How many different items there are, and how many in all; expected ones among `drawn`."""
        if drawn is None:
            return self.items, int(self.count.sum())
        missing = np.bincount(self.item, weights=self.log_missing(drawn))
        return float(-np.expm1(missing).sum()), int(drawn.sum())

    @property
    def firsts(self) -> Ints:
        """Where the entries of each item start; shape (items,)."""
        return np.flatnonzero(_changes(self.item))

    def shared(self) -> tuple[NDArray[np.bool_], Ints]:
        """Of each entry whether another collection has its item, too; where those of an item start.

        The last of the starts is where all end.
        """
        changes = _changes(self.item)
        shared = ~(changes & np.append(changes[1:], True))
        starts = np.flatnonzero(_changes(self.item[shared]))
        return shared, np.append(starts, np.count_nonzero(shared))


class Corpus(Sequence[Sequence[Hashable]]):
    """Texts as sequences of tokens, which are numbered at most once."""

    def __init__(self, texts: Tokens) -> None:
        """Take the texts; number nothing yet.

        Raises:
            ConfigError: A text is a string, of which the items are letters rather than tokens.
        """
        if isinstance(texts, str) or any(isinstance(text, str) for text in texts):
            raise ConfigError(
                "a text is given as a string where its tokens are wanted",
                fix="split it first, as in text.split(), or use measure()",
            )
        self._texts = texts
        self.lengths: Ints = np.fromiter(map(len, texts), dtype=np.int64, count=len(texts))
        self._numbered: tuple[NDArray[np.int32], int] | None = None

    @classmethod
    def of(cls, texts: Tokens) -> Corpus:
        """`texts` itself if it is a Corpus already."""
        return texts if isinstance(texts, cls) else cls(texts)

    @property
    def texts(self) -> Tokens:
        """The tokens of each text."""
        return self._texts

    @overload
    def __getitem__(self, index: int) -> Sequence[Hashable]: ...
    @overload
    def __getitem__(self, index: slice) -> Tokens: ...
    def __getitem__(self, index: int | slice) -> Sequence[Hashable] | Tokens:
        return self.texts[index]

    def __len__(self) -> int:
        return len(self.lengths)

    def __iter__(self) -> Iterator[Sequence[Hashable]]:
        return iter(self.texts)  # Sequence's own asks for one item after the other

    def numbers(self) -> Iterator[NDArray[np.int32]]:
        """The tokens of each text as numbers from 0, equal ones for equal tokens."""
        return iter(np.split(self._numbers()[0], np.cumsum(self.lengths)[:-1]))

    def bags(self, n: int) -> Bags:
        """The n-grams of each text; they never cross texts."""
        return Bags.of(len(self), *self._grams(n))

    def sections(self) -> Sections:
        """What takes spans out of the texts."""
        return Sections(self)

    def _numbers(self) -> tuple[NDArray[np.int32], int]:
        """All tokens after one another, numbered, and how many different ones there are."""
        if self._numbered is None:
            flat = list(chain.from_iterable(self.texts))
            known = {token: number for number, token in enumerate(dict.fromkeys(flat))}
            numbers = np.fromiter(map(known.__getitem__, flat), dtype=np.int32, count=len(flat))
            self._numbered = (numbers, len(known))
        return self._numbered

    def _grams(self, n: int) -> tuple[Ints, Ints]:
        """The text of every n-gram and a code of it that no other n-gram has."""
        numbers, different = self._numbers()
        owners = np.repeat(np.arange(len(self)), np.maximum(self.lengths - n + 1, 0))
        if not len(owners):
            return owners, owners
        size = len(numbers) - n + 1
        codes, span = numbers[:size].astype(np.int64), different
        for offset in range(1, n):
            if span > _CODES // different:
                found, codes = np.unique(codes, return_inverse=True)
                span = len(found)
            codes *= different
            codes += numbers[offset : offset + size]
            span *= different
        return owners, codes[self._within(n)[:size]]

    def _within(self, n: int) -> NDArray[np.bool_]:
        """Of each token whether its text has n - 1 more after it."""
        within = np.ones(int(self.lengths.sum()), dtype=bool)
        ends = self.lengths.cumsum()
        for back in range(1, n):
            within[ends[ends >= back] - back] = False
        return within


class Sections:
    """Spans of the texts of a corpus, whose n-grams are sorted once for all of them."""

    def __init__(self, whole: Corpus) -> None:
        """Take the corpus; sort nothing yet."""
        self.whole = whole
        self._sorted: dict[int, tuple[Ints, Ints, Ints]] = {}

    def between(self, spans: Sequence[tuple[int, int]]) -> Corpus:
        """Of each text the tokens from the first number of its span up to the second."""
        return _Section(self, np.array(spans, dtype=np.int64).reshape(-1, 2))

    def bags(self, n: int, first: Ints, end: Ints) -> Bags:
        """The n-grams that lie between two tokens of each text."""
        owners, places, codes = self._grams(n)
        within = (places >= first[owners]) & (places <= end[owners] - n)
        return Bags.of_sorted(len(first), owners[within], codes[within])

    def _grams(self, n: int) -> tuple[Ints, Ints, Ints]:
        """Of each n-gram its text, where it begins there and its code, in the order of the code."""
        if n not in self._sorted:
            owners, codes = self.whole._grams(n)  # noqa: SLF001 - its own
            counts = np.bincount(owners, minlength=len(self.whole))
            places = np.arange(len(owners)) - (counts.cumsum() - counts)[owners]
            order = _order(codes)
            self._sorted[n] = owners[order], places[order], codes[order]
        return self._sorted[n]


class _Section(Corpus):
    """A span of each text of a corpus; most metrics read no more of it than its n-grams."""

    def __init__(self, sections: Sections, spans: Ints) -> None:
        self._sections = sections
        self._first, self._end = spans.T
        self.lengths = self._end - self._first

    def bags(self, n: int) -> Bags:
        """The n-grams of each span."""
        return self._sections.bags(n, self._first, self._end)

    @cached_property
    def texts(self) -> Tokens:
        """The tokens of each span."""
        spans = zip(self._sections.whole, self._first, self._end, strict=True)
        return [text[first:end] for text, first, end in spans]

    def _numbers(self) -> tuple[NDArray[np.int32], int]:
        whole = self._sections.whole
        numbers, different = whole._numbers()  # noqa: SLF001 - its own
        starts = whole.lengths.cumsum() - whole.lengths + self._first
        moved = np.repeat(starts - self.lengths.cumsum() + self.lengths, self.lengths)
        return numbers[moved + np.arange(len(moved))], different


def _order(codes: Ints) -> Ints:
    """A stable order of non-negative codes, so that owners stay sorted within an item.

    Radix sort by 16 bits, which numpy does in linear time: four times as fast as its stable sort of
    64 bits, and the metrics stay linear in the tokens.
    """
    digits = codes.astype("<i8").view("<u2").reshape(-1, 4)  # the lowest first
    used = -(-int(codes.max(initial=1)).bit_length() // 16)
    order: Ints = np.argsort(digits[:, 0], kind="stable")
    for place in range(1, used):
        order = order[np.argsort(digits[:, place][order], kind="stable")]
    return order


def _changes(values: Ints) -> NDArray[np.bool_]:
    """Whether each value differs from the one before it; the first one does."""
    changes = np.ones(len(values), dtype=bool)
    np.not_equal(values[1:], values[:-1], out=changes[1:])
    return changes
