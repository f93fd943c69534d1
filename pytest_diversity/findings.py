"""What is found where things are looked at: the first fault ends it, or all of them are noted.

What checks a configuration is written once, as `with look("checkpoint base"): ...`. A run looks
`strictly`, so that the first error is raised; a doctor hands in `Findings`, and goes on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Literal, NamedTuple, TypeAlias

from pytest_diversity.errors import DiversityError, unexpected

__all__ = ["DoubtError", "Finding", "Findings", "Look", "Looking", "strictly"]

Look: TypeAlias = Callable[[str], AbstractContextManager[object]]
Looking: TypeAlias = Callable[[], AbstractContextManager[object]]  # at one thing, part by part


class DoubtError(DiversityError):
    """Nothing that is broken, and something that a person should know; raised for a doctor only."""


class Finding(NamedTuple):
    """What was found of one thing.

    Attributes:
        status: `ok`, `warn` where it can be gone on with, `FAIL` where not.
        what: The thing.
        said: What it is, or what is wrong with it.
        fix: What to do about it.
    """

    status: Literal["ok", "warn", "FAIL"]
    what: str
    said: str
    fix: str | None = None


def strictly(what: str) -> AbstractContextManager[object]:
    """Look at something and let its first error be raised."""
    del what
    return nullcontext()


class Findings:
    """Everything that was found, whatever it was; to be called with what is looked at next."""

    def __init__(self, *first: str) -> None:
        """Look at nothing yet.

        Args:
            first: What comes first, in this order, whenever it is looked at.
        """
        self._notes: dict[str, list[str]] = {what: [] for what in first}
        self._faults: dict[str, dict[str, Finding]] = {}

    @contextmanager
    def __call__(self, what: str) -> Iterator[Callable[[str], None]]:
        """Note what an error inside says of `what`, and go on behind it.

        Yields:
            What notes a word on it, shown where nothing is wrong with it.
        """
        notes = self._notes.setdefault(what, [])
        try:
            yield notes.append
        except DiversityError as error:
            status: Literal["warn", "FAIL"] = "warn" if isinstance(error, DoubtError) else "FAIL"
            self._add(Finding(status, what, error.message, error.fix))
        except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever a module of the user's does
            self._add(Finding("FAIL", what, unexpected(error)))

    def _add(self, found: Finding) -> None:
        """Two checks may meet the same fault, which is said once."""
        self._faults.setdefault(found.what, {}).setdefault(found.said, found)

    def failed(self, what: str) -> bool:
        """Whether something is broken about it, so that what rests on it need not be looked at."""
        return any(one.status == "FAIL" for one in self._faults.get(what, {}).values())

    def doubted(self, what: str) -> bool:
        """Whether something is broken or doubtful about it."""
        return bool(self._faults.get(what))

    def __iter__(self) -> Iterator[Finding]:
        """All of them, in the order in which things were first looked at."""
        for what, notes in self._notes.items():
            faults = self._faults.get(what)
            yield from (
                faults.values()
                if faults
                else [Finding("ok", what, ", ".join(dict.fromkeys(notes)))]
            )
