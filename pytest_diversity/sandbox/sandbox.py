"""Runs programs: in parallel, each one once, with results in order as they come."""

from __future__ import annotations

import os
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from queue import SimpleQueue
from typing import TYPE_CHECKING

from .failures import SandboxUnavailable
from .inside.wire import CANONICAL_FORM
from .languages import language as find_language
from .model import Limits
from .tiers import find_tier, prove, require
from .walls import UNSAFE, Tier
from .worker import Worker

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Self

    from .model import Execution, Program

__all__ = ["Sandbox", "fingerprint"]

AHEAD = 32  # programs per worker that may be finished before the one that is waited for


def fingerprint(
    limits: Limits | None = None, tier: Tier | None = None, language: str = "python"
) -> str:
    """What outcomes depend on beside the program: belongs into caches and baselines."""
    limits = limits or Limits()
    tier = tier or find_tier()
    bounds = " ".join(f"{name}={value}" for name, value in vars(limits).items())
    return f"{find_language(language).version}; {tier.barrier}; {bounds}; form {CANONICAL_FORM}"


class Sandbox:
    """Fork servers, one for each core, and what runs in them.

    Use it as a context manager; leaving it ends every process.
    """

    def __init__(
        self,
        *,
        limits: Limits | None = None,
        workers: int | None = None,
        unsafe: bool = False,
        language: str = "python",
        tier: Tier | None = None,
    ) -> None:
        """Find the walls; start nothing yet.

        Args:
            limits: What each execution may use.
            workers: How many programs run at once; the usable cores by default.
            unsafe: Run without walls: the programs then have all of your rights.
            language: What the programs are written in.
            tier: The walls to use, instead of the first that hold.

        Raises:
            SandboxUnavailable: No walls hold here, or the language cannot be run.
        """
        self.limits = limits or Limits()
        self.language = find_language(language)
        self.tier = UNSAFE if unsafe else require(tier) if tier else find_tier()
        self.workers = workers or len(os.sched_getaffinity(0))
        if self.language.command and self.tier.barrier == "no-open":
            raise SandboxUnavailable(
                f"programs in {language!r} need an interpreter that can open its files, "
                "and the only sandbox that holds here opens none",
                fix="run the tests where Landlock or bubblewrap works",
            )

    @property
    def fingerprint(self) -> str:
        """See the function of this name."""
        return fingerprint(self.limits, self.tier, self.language.name)

    @property
    def key(self) -> str:
        """What outcomes are stored under: the fingerprint, and what programs can import."""
        digest = self.language.packages.digest
        return f"{self.fingerprint}; packages {digest}" if digest else self.fingerprint

    def __str__(self) -> str:
        """As a report's header says it."""
        walls = str(self.tier)
        if self.tier != UNSAFE:
            memory = f"{self.limits.memory >> 20} MiB"
            walls += f", {self.workers} workers, {self.limits.cpu:g} s CPU, {memory}"
        return "; ".join([walls, *self._lacks()])

    def _lacks(self) -> Iterator[str]:
        """What is not as a user may expect."""
        if self.tier.barrier == "no-open":
            yield "programs can import no more than common modules and the packages that they name"
        elif refused := self.language.packages.refused:
            yield (
                f"programs cannot import what is in {', '.join(refused)}, where the current "
                "folder or your home is"
            )
        if self.tier != UNSAFE and not prove(self.tier).threads:
            yield "their threads are not bounded, which needs Linux 5.5"

    def __enter__(self) -> Self:
        """Start the workers."""
        self._idle: SimpleQueue[Worker] = SimpleQueue()
        self._all = [Worker(self.language, self.limits, self.tier) for _ in range(self.workers)]
        for worker in self._all:
            self._idle.put(worker)
        self._threads = ThreadPoolExecutor(self.workers, thread_name_prefix="sandbox")
        return self

    def __exit__(self, *_: object) -> None:
        """End every process."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        for worker in self._all:
            worker.end()
        self._threads.shutdown()
        for worker in self._all:
            worker.close()

    def run(self, programs: Iterable[Program]) -> Iterator[Execution]:
        """Run programs, several at once; the executions come in the programs' order.

        Equal programs run once. Programs are taken from the iterable as workers become free.

        Raises:
            HarnessError: The sandbox itself failed on a program, twice.
            CheckError: A program's check cannot be used.
        """
        futures: dict[str, Future[Execution]] = {}
        waiting: deque[Future[Execution]] = deque()
        try:
            for program in programs:
                key = program.key
                if key not in futures:
                    futures[key] = self._threads.submit(self._one, program)
                waiting.append(futures[key])
                while waiting and (waiting[0].done() or len(waiting) > AHEAD * self.workers):
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()

    def _one(self, program: Program) -> Execution:
        worker = self._idle.get()
        try:
            return worker.run_surely(program)
        finally:
            self._idle.put(worker)
