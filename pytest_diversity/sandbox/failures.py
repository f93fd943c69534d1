"""What can keep programs from being run; none of it is ever an outcome of a program."""

from __future__ import annotations

from pytest_diversity.errors import DataError, DiversityError

__all__ = ["CheckError", "HarnessError", "SandboxUnavailable"]


class SandboxUnavailable(DiversityError):  # noqa: N818 - the name says the situation
    """No sandbox holds on this machine, so nothing was run."""


class HarnessError(DiversityError):
    """The sandbox itself failed on a program, twice, so there is no outcome to score."""


class CheckError(DataError):
    """A prompt's check, or its inputs, cannot be used."""
