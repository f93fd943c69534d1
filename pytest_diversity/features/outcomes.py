"""What programs do: run in the sandbox, each once, and remembered."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, MutableMapping, Sequence
from contextlib import AbstractContextManager
from itertools import islice
from typing import Any, TypeVar

from pytest_diversity.progress import Count, counting, uncounted
from pytest_diversity.sandbox import Execution, Program, Sandbox
from pytest_diversity.sandbox.nodes import Sandboxes

__all__ = ["Executor"]

_FLUSH = 256  # executions that a killed run may lose
Item = TypeVar("Item")


class Executor:
    """Runs programs of one language, unless it remembers what they did.

    Args:
        sandbox: What runs them, here or on a cluster; entered only when something is to be run.
        memory: What programs did, as JSON, by a key of program, inputs and sandbox.
        lock: Keeps other processes from running the same programs meanwhile.
        count: Shows how far it is.
    """

    def __init__(
        self,
        sandbox: Sandbox | Sandboxes,
        memory: MutableMapping[str, str],
        lock: Callable[[], AbstractContextManager[Any]],
        count: Count = uncounted,
    ) -> None:
        """Run nothing yet."""
        self._sandbox = sandbox
        self._memory = memory
        self._lock = lock
        self._count = count

    def __call__(self, programs: Sequence[Program]) -> list[Execution]:
        """What each program did, in order; equal ones are run once.

        Raises:
            HarnessError: The sandbox itself failed on a program, twice.
            CheckError: A prompt's check or inputs cannot be used.
        """
        distinct = {program.key: program for program in programs}
        known = self._recall(distinct)
        if len(known) < len(distinct):
            with self._lock():  # another process may have run them while this one waited
                known = self._recall(distinct)
                known |= self._run([p for key, p in distinct.items() if key not in known])
        return [known[program.key] for program in programs]

    def _recall(self, keys: Iterable[str]) -> dict[str, Execution]:
        found = ((key, self._memory.get(key)) for key in keys)
        return {key: Execution.from_json(json.loads(text)) for key, text in found if text}

    def _run(self, programs: Sequence[Program]) -> dict[str, Execution]:
        done: dict[str, Execution] = {}
        if not programs:
            return done
        with self._sandbox as sandbox:
            executions = counting(sandbox.run(programs), len(programs), self._count)
            pairs = zip(programs, executions, strict=True)
            for batch in _batches(pairs, _FLUSH):
                fresh = {program.key: execution for program, execution in batch}
                self._memory.update({k: json.dumps(e.to_json()) for k, e in fresh.items()})
                done |= fresh
        return done


def _batches(items: Iterable[Item], size: int) -> Iterator[list[Item]]:
    iterator = iter(items)
    while batch := list(islice(iterator, size)):
        yield batch
