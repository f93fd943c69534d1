"""Generated programs on the nodes of a cluster, each behind the walls of its own node."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from types import TracebackType
from typing import Self

from pytest_diversity.cluster import Spread
from pytest_diversity.sandbox import Execution, Program, Sandbox, SandboxUnavailable
from pytest_diversity.sandbox.walls import UNSAFE

__all__ = ["Sandboxes"]

_MANY = 256  # programs that are worth a cluster
_PIECE = 64  # programs that a dead process costs


class Sandboxes:
    """Runs many programs on a cluster, and few in the sandbox of this machine.

    The outcomes are the same: a node whose walls, interpreter, packages or limits are others runs
    nothing.

    Args:
        sandbox: That of this machine.
        spread: The cluster.
    """

    def __init__(self, sandbox: Sandbox, spread: Spread) -> None:
        """Start nothing yet."""
        self._sandbox = sandbox
        self._spread = spread

    def __enter__(self) -> Self:
        """Nothing: what runs programs is started where they are run."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Nothing."""

    def run(self, programs: Sequence[Program]) -> Iterator[Execution]:
        """The execution of each program, in order.

        Raises:
            SandboxUnavailable: A node's sandbox is not that of this machine.
            ClusterError: The cluster failed.
            HarnessError: A sandbox itself failed on a program, twice.
            CheckError: A program's check cannot be used.
        """
        if len(programs) < _MANY:
            with self._sandbox as sandbox:
                yield from sandbox.run(programs)
        else:
            sandbox = self._sandbox
            work = partial(
                _run,
                language=sandbox.language.name,
                unsafe=sandbox.tier == UNSAFE,
                key=sandbox.key,
            )
            yield from self._spread(work, programs, _PIECE)


def _run(programs: Sequence[Program], *, language: str, unsafe: bool, key: str) -> list[Execution]:
    sandbox = Sandbox(language=language, unsafe=unsafe, workers=1)
    if sandbox.key != key:
        raise SandboxUnavailable(
            f"a node of the Ray cluster has another sandbox: {sandbox.key!r}, not "
            f"{key!r}; nothing was run there",
            fix="use the same Python, packages and kind of container on all nodes",
        )
    with sandbox:
        return list(sandbox.run(programs))
