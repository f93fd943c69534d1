"""Progress while samples are drawn: a bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

from pytest_diversity.text import plural, visible

__all__ = ["Console", "DrawingProgress", "saying", "showing"]

_EVERY = 10.0  # seconds between plain lines


@dataclass(slots=True)
class Console:
    """Where progress is shown: standard error, past whatever captures it.

    Attributes:
        plain: Lines instead of a bar even on a terminal, as where several processes share one.
        quiet: Nothing at all.
        uncaptured: Lets output through for a moment.
        newline: Ends a line that another has begun.
    """

    plain: bool = False
    quiet: bool = False
    uncaptured: Callable[[], AbstractContextManager[Any]] = nullcontext
    newline: Callable[[], None] = lambda: None


class DrawingProgress:
    """Shows how far the drawing of `total` samples is.

    Args:
        label: What is drawn.
        total: How many samples.
        console: Where to show it.
    """

    def __init__(self, label: str, total: int, console: Console) -> None:
        """Start the clock."""
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
        with self._console.uncaptured():
            self._newline()
            if sys.stderr.isatty() and not self._console.plain and not self._console.quiet:
                from tqdm import tqdm  # noqa: PLC0415 - wanted on a terminal alone

                self._bar = tqdm(
                    total=self._total,
                    desc=self._label,
                    unit="sample",
                    file=sys.stderr,
                    leave=False,
                    dynamic_ncols=True,
                    bar_format="{desc}: {n:.0f}/{total} |{bar}| {elapsed}<{remaining}{postfix}",
                )
            else:
                self._line(f"drawing {self._total} samples")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with self._console.uncaptured():
            if self._bar is not None:
                self._bar.close()
            self._line(f"{self._state()} in {time.monotonic() - self._started:.0f} s")
            if kind is not None:
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
        if self._bar is not None:
            with self._console.uncaptured():
                self._bar.set_postfix_str(f"{self._speed():.0f} tokens/s", refresh=False)
                self._bar.update(samples)
        elif now - self._said >= _EVERY:
            self._said = now
            self.say(self._state())

    def say(self, message: str) -> None:
        """A line of its own, above the bar if there is one."""
        message = visible(message)
        with self._console.uncaptured():
            if self._bar is not None:
                self._bar.write(f"{self._label}: {message}", file=sys.stderr)
            else:
                self._line(message)

    def _newline(self) -> None:
        if not self._console.quiet:
            self._console.newline()

    def _line(self, message: str) -> None:
        self._newline()
        if not self._console.quiet:
            # in one piece: on a shared terminal, the dots of other processes come at any time
            begin = "\n" if self._console.plain else ""
            sys.stderr.write(f"{begin}{self._label}: {message}\n")
            sys.stderr.flush()

    def _state(self) -> str:
        return f"{self._done:.0f} of {self._total} samples, {self._speed():.0f} tokens/s"

    def _speed(self) -> float:
        return self._tokens / max(1e-3, time.monotonic() - self._began) if self._began else 0.0


def showing(console: Callable[[], Console]) -> Callable[[str, int], DrawingProgress]:
    """What begins to show a drawing, on a console that is asked for when there is one."""
    return lambda label, total: DrawingProgress(label, total, console())


def saying(console: Callable[[], Console]) -> Callable[[str], None]:
    """What shows a line on a console that is asked for when there is one."""

    def say(message: str) -> None:
        shown = console()
        if not shown.quiet:
            with shown.uncaptured():
                shown.newline()
                print(f"diversity: {message}", file=sys.stderr, flush=True)  # noqa: T201 - its purpose

    return say
