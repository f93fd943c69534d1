"""Work on many items: done here, or spread over the nodes of a Ray cluster.

What is small is done here: a cluster is asked only where there is enough to do. Nothing in this
file imports Ray.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Protocol, TypeVar

__all__ = ["Spread", "in_process"]

Item = TypeVar("Item")
Result = TypeVar("Result")


class Spread(Protocol):
    """Does work on many items, piece by piece."""

    def __call__(
        self, work: Callable[[Sequence[Item]], Sequence[Result]], items: Sequence[Item], most: int
    ) -> Iterator[Result]:
        """The result of each item, in order.

        Args:
            work: A pure function from items to their results; it may be called in other processes
                and, where one dies, again.
            items: What it is called with, in pieces.
            most: Items of a piece at most.

        Raises:
            DiversityError: What `work` raises, or the cluster failed.
        """


def in_process(
    work: Callable[[Sequence[Item]], Sequence[Result]],
    items: Sequence[Item],
    most: int,  # noqa: ARG001 - all of them are one piece
) -> Iterator[Result]:
    """Do all of it in this process."""
    return iter(work(items))
