"""How far long work is: told by whoever does it, to whoever shows it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext
from typing import NamedTuple, Protocol, TypeAlias, TypeVar

__all__ = [
    "DRAWING",
    "EMBEDDING",
    "EXECUTING",
    "JUDGING",
    "Count",
    "Counted",
    "Work",
    "counting",
    "uncounted",
]

Item = TypeVar("Item")


class Work(NamedTuple):
    """What is done, and to what."""

    verb: str
    noun: str


DRAWING = Work("drawing", "sample")
EMBEDDING = Work("embedding", "text")
EXECUTING = Work("running", "program")
JUDGING = Work("judging", "answer")


class Counted(Protocol):
    """What counts the parts of a work."""

    def advance(self, samples: float, tokens: int) -> None:
        """Count so many of them, or a fraction of one; and tokens, where there are some."""


Count: TypeAlias = Callable[[int], AbstractContextManager[Counted]]  # of so many in all


class _Nobody:
    def advance(self, samples: float, tokens: int) -> None:
        """Nobody looks."""


def uncounted(_: int) -> AbstractContextManager[Counted]:
    """Where nobody looks."""
    return nullcontext(_Nobody())


def counting(items: Iterable[Item], total: int, count: Count) -> Iterator[Item]:
    """`items`, each counted when it is there."""
    with count(total) as progress:
        for item in items:
            progress.advance(1, 0)
            yield item
