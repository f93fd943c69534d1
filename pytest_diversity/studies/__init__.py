"""Studies of the stored samples, in place of running tests: plan, self-test, calibration."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from pytest_diversity.session import Session
from pytest_diversity.studies.calibrate import calibrate
from pytest_diversity.studies.plan import plan
from pytest_diversity.studies.selftest import selftest
from pytest_diversity.text import visible

__all__ = ["run"]

_STUDIES: Mapping[str, Callable[[Session, str], Sequence[str]]] = {
    "plan": plan,
    "selftest": selftest,
    "calibrate": calibrate,
}


def run(sessions: Sequence[Session], asked: Mapping[str, str]) -> Iterator[str]:
    """The lines of the studies that are asked for.

    Args:
        sessions: Of all configurations.
        asked: By name of the study, its value on the command line.

    Raises:
        DiversityError: Something cannot be studied.
    """
    for name, value in asked.items():
        for session in sessions:
            yield f"diversity {name}"
            yield from map(visible, _STUDIES[name](session, value))
