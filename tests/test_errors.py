"""Errors as sentences: also what the machine has no more of."""

from __future__ import annotations

import errno

import pytest

from pytest_diversity.errors import DiversityError, exhausted


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (MemoryError(), "there is no memory left; free some, "),
        (OSError(errno.EMFILE, "Too many open files"), "too many files are open; raise the limit "),
    ],
    ids=["memory", "descriptors"],
)
def test_what_the_machine_lacks_is_a_sentence(error: Exception, message: str) -> None:
    """And nothing of what failed is held by it."""
    with pytest.raises(DiversityError) as caught, exhausted():
        raise error
    assert str(caught.value).startswith(message)
    assert error.__traceback__ is None or not isinstance(error, MemoryError)


def test_another_error_stays_what_it_is() -> None:
    """A disk that is full is its owner's to explain."""
    with pytest.raises(OSError, match="No space"), exhausted():
        raise OSError(errno.ENOSPC, "No space left on device")
