"""What an engine raises and nobody expected, as one sentence."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from pytest_diversity.errors import DiversityError, SamplingError, unexpected

__all__ = ["in_a_sentence"]


@contextmanager
def in_a_sentence(what: str) -> Iterator[None]:
    """Inside, an engine works; an error that is not ours becomes one, and remembers the other.

    Raises:
        SamplingError: The engine failed in a way that it does not know.
    """
    try:
        yield
    except DiversityError:
        raise
    except Exception as error:  # engines are made of libraries that raise many unrelated types
        raise SamplingError(
            f"{what} failed: {unexpected(error)}", fix="--diversity-debug shows where"
        ) from error
