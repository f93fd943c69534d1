"""Work spread over a Ray cluster, as tasks that any node may do."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import Any, TypeVar

from pytest_diversity.cluster.connection import connect
from pytest_diversity.errors import ClusterError, DiversityError, first_line

__all__ = ["Cluster"]

Item = TypeVar("Item")
Result = TypeVar("Result")
_AGAIN = 3  # times that a piece is done anew when its process or node dies


class Cluster:
    """A Ray cluster as a `Spread`, connected to when there is something to do.

    Args:
        address: Its address; None for the one that Ray finds, else one of this machine alone.
    """

    def __init__(self, address: str | None) -> None:
        """Connect to nothing yet."""
        self._address = address
        self._began: Any = None

    def __call__(
        self, work: Callable[[Sequence[Item]], Sequence[Result]], items: Sequence[Item], most: int
    ) -> Iterator[Result]:
        """See `Spread`.

        Raises:
            MissingExtraError: Ray is not installed.
            ClusterError: It cannot be reached, or a piece killed every process that did it.
            DiversityError: What `work` raises.
        """
        ray, began = connect(self._address)
        self._began = ray if began else self._began
        # No CPU is claimed: idle actors that hold a model claim them all.
        task = ray.remote(_do).options(num_cpus=0, max_retries=_AGAIN, scheduling_strategy="SPREAD")
        workers = max(1, int(ray.cluster_resources().get("CPU", 1)))
        pieces = (task.remote(work, piece) for piece in _pieces(items, most, workers))
        under_way = deque(islice(pieces, workers))
        try:
            while under_way:
                yield from _result(ray, under_way[0])
                under_way.popleft()
                under_way.extend(islice(pieces, 1))
        finally:
            for left in under_way:
                ray.cancel(left, force=True)

    def close(self) -> None:
        """End the connection, and the cluster if it was started for this."""
        if self._began is not None:
            self._began.shutdown()
            self._began = None


def _pieces(items: Sequence[Item], most: int, workers: int) -> Iterator[Sequence[Item]]:
    """Four for each worker, so that none waits long for the last, but of `most` items at most."""
    size = max(1, min(most, -(-len(items) // (4 * workers))))
    return (items[start : start + size] for start in range(0, len(items), size))


def _do(work: Callable[[Sequence[Item]], Sequence[Result]], items: Sequence[Item]) -> Any:
    """What a node does; an error of ours is a result, which Ray does not wrap."""
    try:
        return list(work(items))
    except DiversityError as error:
        return error


def _result(ray: Any, piece: Any) -> Any:
    try:
        found = ray.get(piece)
    except ray.exceptions.RayTaskError as error:
        raise ClusterError(
            f"a task of the Ray cluster failed: {first_line(error.cause)}",
            fix="install the same versions on all nodes",
        ) from error
    except ray.exceptions.RayError as error:
        raise ClusterError(
            f"processes of the Ray cluster died again and again: {first_line(error)}",
            fix="look at the nodes' memory and logs: ray status, ray logs",
        ) from error
    if isinstance(found, DiversityError):
        raise found
    return found
