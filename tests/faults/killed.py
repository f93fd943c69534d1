"""`kill -9` at any moment of a run, to the process and all that it has started."""

from __future__ import annotations

import time
from collections.abc import Sequence

from tests.faults import projects
from tests.faults.runs import Running, fork, spawn
from tests.faults.scenarios import Fault, Place

__all__ = ["KILLED", "KILLED_WHILE_DRAWING", "at_an_operation", "workers"]


def at_an_operation(place: Place, arguments: Sequence[str]) -> Running:
    """A run that tells when it comes to one of its operations on files."""
    which = place.random.randrange(1, max(2, place.usual.operations))
    return fork(place.folder, arguments, operation=which)


def workers(place: Place, arguments: Sequence[str]) -> Running:
    """A run with four workers."""
    return spawn(place.folder, ("-p", "xdist.plugin", "-n", "4", *arguments))


def kill(place: Place, running: Running) -> None:
    """Anywhere in its time, or where it writes."""
    if place.random.random() < 0.5:
        time.sleep(place.random.random() * place.usual.seconds)
    else:
        running.wait_for_operation()
        time.sleep(place.random.random() / 200)
    _kill(place, running)


def kill_while_drawing(place: Place, running: Running) -> None:
    """When some part of the samples is drawn."""
    wanted = place.random.randrange(len(place.usual.samples))
    while running.alive and len(projects.kept(place.folder) or {}) <= wanted:
        time.sleep(0.01)
    _kill(place, running)


def _kill(place: Place, running: Running) -> None:
    seen = projects.kept(place.folder)
    running.kill()
    kept = projects.kept(place.folder)
    lost = seen and (kept is None or not seen.items() <= kept.items())
    assert not lost, "what was stored is lost"


KILLED = Fault(during=kill)
KILLED_WHILE_DRAWING = Fault(during=kill_while_drawing)
