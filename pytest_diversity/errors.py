"""What can go wrong, each kind under the name of its situation.

Every error is one sentence that says what is wrong and where, and, in `fix`, what to do about it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from difflib import get_close_matches
from errno import EMFILE, ENFILE
from importlib.util import find_spec
from typing import TYPE_CHECKING

from pytest_diversity.text import visible

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = [
    "BudgetFailure",
    "CheckpointError",
    "ClusterError",
    "ConfigError",
    "DataError",
    "DiversityError",
    "JudgeError",
    "MetricError",
    "MissingExtraError",
    "SamplingError",
    "StoreError",
    "did_you_mean",
    "exhausted",
    "first_line",
    "reason_of",
    "require",
    "some",
    "unexpected",
]


class DiversityError(Exception):
    """Base of all errors of this package.

    Args:
        message: What is wrong, and where.
        fix: What to do about it; appended to the sentence.
    """

    def __init__(self, message: str, *, fix: str | None = None) -> None:
        """Keep `message` and `fix` apart, for callers that show them apart."""
        self.message = visible(message)  # it may quote a file, a model or a server
        self.fix = None if fix is None else visible(fix)
        super().__init__(self.message if fix is None else f"{self.message}; {self.fix}")

    def __reduce__(self) -> tuple[object, ...]:
        """From another process it comes back as it was, however it was made."""
        return _restored, (type(self), self.message, self.fix)


class ConfigError(DiversityError):
    """The configuration (`diversity.toml`, an option or an argument) cannot be used."""


class DataError(DiversityError):
    """A file of samples or prompts cannot be read."""


class CheckpointError(DiversityError):
    """A checkpoint cannot be found or loaded."""


class SamplingError(DiversityError):
    """A loaded checkpoint could not be sampled."""


class ClusterError(DiversityError):
    """A cluster cannot be reached, or failed."""


class JudgeError(DiversityError):
    """A judge of quality failed, or gave what are no scores."""


class MetricError(DiversityError):
    """A metric failed, or gave what is none of its values."""


class StoreError(DiversityError):
    """The sample store cannot be opened, read or written."""


class MissingExtraError(DiversityError):
    """An optional dependency is needed and not installed."""

    def __init__(self, what: str, *, package: str, extra: str) -> None:
        """Name `what` needs `package` and the `extra` that installs it."""
        super().__init__(
            f"{what} needs the package {package!r}, which is not installed",
            fix=f"pip install 'pytest-diversity[{extra}]'",
        )


class BudgetFailure(AssertionError):  # noqa: N818 - a failed assertion, not a fault of the program
    """A diversity budget was not kept; the message's first line says everything.

    What every assertion raises, and pytest shows as a failed test: value, interval and bound, then
    the evidence. An AssertionError, not a DiversityError: nothing was wrong but the model.
    """


@contextmanager
def exhausted() -> Iterator[None]:
    """Inside, what the machine has no more of is an error of ours, and what failed lets go of it.

    Raises:
        DiversityError: There is no memory left, or no file can be opened.
    """
    try:
        yield
    except MemoryError as error:
        error.__traceback__ = None  # its frames hold what there is no room for
        raise DiversityError(
            "there is no memory left",
            fix="free some, or ask for less at a time, and run again: what was drawn is kept",
        ) from None
    except OSError as error:
        if error.errno not in {EMFILE, ENFILE}:
            raise
        raise DiversityError(
            "too many files are open",
            fix="raise the limit (ulimit -n) and run again: what was drawn is kept",
        ) from None


def require(what: str, *, package: str, extra: str) -> None:
    """Refuse `what` where the package of that extra is not installed; it is not imported.

    Raises:
        MissingExtraError: It is not.
    """
    if find_spec(package.replace("-", "_")) is None:
        raise MissingExtraError(what, package=package, extra=extra)


def _restored(kind: type[DiversityError], message: str, fix: str | None) -> DiversityError:
    error = kind.__new__(kind)
    DiversityError.__init__(error, message, fix=fix)
    return error


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """The fix for an unknown `word`: the closest known one, or the list of them."""
    names = sorted(known)
    close = get_close_matches(word, names, n=1)
    return f"did you mean {close[0]!r}?" if close else f"known: {', '.join(names) or 'none'}"


def first_line(error: BaseException) -> str:
    """What a library's error says, in a line; the name of its type where it says nothing."""
    return (str(error).strip() or type(error).__name__).splitlines()[0]


def reason_of(error: Exception) -> str:
    """Why the system refused something, in its words; or, of another error, what that says."""
    return getattr(error, "strerror", None) or str(error)


def unexpected(error: BaseException) -> str:
    """What a library's error is and says, in a line: `KeyError: 'lm_head'`."""
    head, _, rest = str(error).strip().partition("\n")
    said = f"{head} {first_line(Exception(rest))}" if head.endswith(":") and rest else head
    return f"{type(error).__name__}: {said}" if said else type(error).__name__


def some(names: Iterable[str], most: int = 3) -> str:
    """The first of many names, and how many more there are."""
    known = sorted(names)
    rest = len(known) - most
    return ", ".join(known[:most]) + (f" and {rest} more" if rest > 0 else "")
