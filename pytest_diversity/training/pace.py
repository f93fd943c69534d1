"""What of a training's time is spent on looking at it."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["Pace"]

_log = logging.getLogger(__name__)


class Pace:
    """Measures looks and the steps between them.

    Attributes:
        looking: Seconds that looks have taken.
    """

    def __init__(self, most: float) -> None:
        """Measure nothing yet.

        Args:
            most: The share of the time between two looks that a look may take, from 0 to 1.
        """
        self._most = most
        self._warned = False
        self._began = self._since = 0.0
        self._step = 0
        self.looking = 0.0

    def begin(self, step: int) -> None:
        """The training goes on from a step."""
        self._began = self._since = time.monotonic()
        self._step = step

    @property
    def share(self) -> float:
        """Of the training's time so far, from 0 to 1."""
        return self.looking / max(time.monotonic() - self._began, self.looking, 1e-9)

    @contextmanager
    def look(self, step: int) -> Iterator[None]:
        """Inside, a step is looked at."""
        began = time.monotonic()
        try:
            yield
        finally:
            ended = time.monotonic()
            self.looking += ended - began
            self._warn(step, ended - began, began - self._since)
            self._since, self._step = ended, step

    def _warn(self, step: int, look: float, trained: float) -> None:
        """Say once that looks take too much, and how many steps between them would be enough."""
        steps = step - self._step
        if self._warned or not steps or not trained or look <= self._most * (look + trained):
            return
        self._warned = True
        enough = math.ceil(look * (1 - self._most) / self._most / trained * steps)
        _log.warning(
            "the look at step %d took %.1f s, %.0f %% of the time since step %d: every=%d would "
            "take %.0f %%, and fewer prompts, samples or tokens would, too",
            step,
            look,
            100 * look / (look + trained),
            self._step,
            enough,
            100 * self._most,
        )
