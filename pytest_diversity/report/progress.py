"""How far long work is: a bar on a terminal, plain lines elsewhere and in CI."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Protocol, Self

from pytest_diversity.progress import DRAWING, Work
from pytest_diversity.text import plural, visible

__all__ = ["Console", "DrawingProgress", "saying", "showing"]

_EVERY = 10.0  # seconds between plain lines
_LONG = 120.0  # seconds that are told as minutes
_PATIENCE = 2.0  # seconds until work is shown that mostly takes less


@dataclass(slots=True)
class Console:
    """Where progress is shown: standard error, past whatever captures it.

    Attributes:
        plain: Lines instead of a bar even on a terminal, as where several processes share one.
        bars: Whether a bar may be drawn; lines where not, as in CI.
        progress: Whether it is shown how far work is; what else is to be said is, whether or not.
        quiet: Nothing at all.
        uncaptured: Lets output through for a moment.
        newline: Ends a line that another has begun.
    """

    plain: bool = False
    bars: bool = True
    progress: bool = True
    quiet: bool = False
    uncaptured: Callable[[], AbstractContextManager[Any]] = nullcontext
    newline: Callable[[], None] = lambda: None


class Show(Protocol):
    """Begins to show a work."""

    def __call__(self, label: str, total: int, work: Work = DRAWING, /) -> DrawingProgress:
        """For whom, and how many parts it has."""


class DrawingProgress:
    """Shows how far a work is: the drawing of `total` samples, or the like.

    Drawing is shown at once, since a model is loaded for it; all else when it takes a while.

    Args:
        label: For whom.
        total: How many parts it has.
        console: Where to show it.
        work: What is done, and to what.
    """

    def __init__(self, label: str, total: int, console: Console, work: Work = DRAWING) -> None:
        """Start the clock."""
        self._work = work
        self._opened = False
        self._label = visible(label)
        self._total = total
        self._console = console
        self._done = 0.0
        self._tokens = 0
        self._kept = 0
        self._started = self._said = time.monotonic()
        self._began: float | None = None
        self._bar: Any = None

    def __enter__(self) -> Self:
        if self._work == DRAWING:
            self._open()
        return self

    @property
    def _quiet(self) -> bool:
        return self._console.quiet or not self._console.progress

    def _open(self) -> None:
        self._opened = True
        with self._console.uncaptured():
            self._newline()
            self._bar = self._drawn()
            if self._bar is None:
                self._line(f"{self._work.verb} {plural(self._total, self._work.noun)}")

    def _drawn(self) -> Any:
        """A bar, where there is a terminal that takes one and what draws it is installed."""
        console = self._console
        if console.plain or not console.bars or self._quiet or not sys.stderr.isatty():
            return None
        try:
            from tqdm import tqdm  # noqa: PLC0415 - wanted on a terminal alone, and optional
        except ImportError:
            return None
        bar = tqdm(
            total=self._total,
            desc=f"{self._label}: {self._work.verb}",
            unit=self._work.noun,
            file=sys.stderr,
            leave=False,
            dynamic_ncols=True,
            bar_format="{desc} {n:.0f}/{total} |{bar}| {elapsed}<{remaining}{postfix}",
        )
        return None if bar.disable else bar  # as of a terminal without a size

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if not self._opened:
            return
        with self._console.uncaptured():
            if self._bar is not None:
                self._bar.close()
            self._line(f"{self._state()} in {time.monotonic() - self._started:.0f} s")
            if kind is not None and self._work == DRAWING:
                self._line(self._stopped())

    def _stopped(self) -> str:
        """What is left of a drawing that was broken off, which may be nothing to go on from."""
        if not self._kept:
            return "stopped; no sample was finished"
        return (
            f"stopped; what was finished is kept ({plural(self._kept, 'sample')}), and the same "
            "command goes on from it"
        )

    def begin(self) -> None:
        """The model is loaded: its speed is measured from here."""
        self._began = time.monotonic()

    def keep(self) -> None:
        """Count a sample that is in the store."""
        self._kept += 1

    def advance(self, samples: float, tokens: int) -> None:
        """Count, and show it now and then."""
        now = time.monotonic()
        self._done += samples
        self._tokens += tokens
        late = now - self._started >= _PATIENCE and self._done < self._total
        if not self._opened and not late:
            return
        if not self._opened:
            self._open()
        if self._bar is not None:
            with self._console.uncaptured():
                self._bar.set_postfix_str(self._speed().removeprefix(", "), refresh=False)
                self._bar.n = self._done
                self._bar.update(0)
        elif now - self._said >= _EVERY:
            self._said = now
            self.say(f"{self._state()}{self._left(now)}")

    def say(self, message: str) -> None:
        """A line of its own, above the bar if there is one."""
        message = visible(message)
        with self._console.uncaptured():
            if self._bar is not None:
                self._bar.write(f"{self._label}: {message}", file=sys.stderr)
            else:
                self._line(message)

    def _newline(self) -> None:
        if not self._quiet:
            self._console.newline()

    def _line(self, message: str) -> None:
        self._newline()
        if not self._quiet:
            # in one piece: on a shared terminal, the dots of other processes come at any time
            begin = "\n" if self._console.plain else ""
            sys.stderr.write(f"{begin}{self._label}: {message}\n")
            sys.stderr.flush()

    def _state(self) -> str:
        return f"{self._done:.0f} of {plural(self._total, self._work.noun)}{self._speed()}"

    def _speed(self) -> str:
        if self._work != DRAWING:
            return ""
        spent = time.monotonic() - self._began if self._began is not None else None
        return f", {self._tokens / max(1e-3, spent) if spent else 0:.0f} tokens/s"

    def _left(self, now: float) -> str:
        """How long the rest takes at the speed so far, where that is known."""
        began = self._began if self._began is not None else self._started
        if not 0 < self._done < self._total:
            return ""
        left = (self._total - self._done) * (now - began) / self._done
        return f", {left:.0f} s left" if left < _LONG else f", {left / 60:.0f} min left"


def showing(console: Callable[[], Console]) -> Show:
    """What begins to show a work, on a console that is asked for when there is one."""
    return lambda label, total, work=DRAWING: DrawingProgress(label, total, console(), work)


def saying(console: Callable[[], Console]) -> Callable[[str], None]:
    """What shows a line on a console that is asked for when there is one."""

    def say(message: str) -> None:
        shown = console()
        if not shown.quiet:
            with shown.uncaptured():
                shown.newline()
                print(f"diversity: {message}", file=sys.stderr, flush=True)  # noqa: T201 - its purpose

    return say
