"""What is done in place of running tests: plan, self-test, calibration and others."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from pytest_diversity.errors import ConfigError
from pytest_diversity.session import Session
from pytest_diversity.studies.calibrate import calibrate, check_mode
from pytest_diversity.studies.cases import check_json
from pytest_diversity.studies.export import check_export, export
from pytest_diversity.studies.listing import listing
from pytest_diversity.studies.plan import plan
from pytest_diversity.studies.preflight import check_count, preflight
from pytest_diversity.studies.selftest import selftest
from pytest_diversity.text import visible

__all__ = ["run"]

_STUDIES: Mapping[str, Callable[[Session, str], Iterable[str]]] = {
    "plan": plan,
    "selftest": selftest,
    "calibrate": calibrate,
    "preflight": preflight,
    "export": export,
    "list": listing,
}
_CHECKS: Mapping[str, Callable[[Session, str], None]] = {
    "plan": check_json,
    "selftest": check_json,
    "calibrate": check_mode,
    "preflight": check_count,
    "export": check_export,
    "list": check_json,
}
_NO_FILE = ("-", "write")


def run(sessions: Sequence[Session], asked: Mapping[str, str]) -> Iterator[str]:
    """The lines of the studies that are asked for.

    Args:
        sessions: Of all configurations.
        asked: By name of the study, its value on the command line.

    Raises:
        DiversityError: Something cannot be studied.
    """
    for name, value in asked.items():
        if len(sessions) > 1 and value not in _NO_FILE:
            raise ConfigError(
                f"{len(sessions)} configurations would be written to {value}",
                fix="choose one with --diversity-config",
            )
        for session in sessions:
            _CHECKS[name](session, value)
    for name, value in asked.items():
        for session in sessions:
            yield f"diversity {name}"
            yield from map(visible, _STUDIES[name](session, value))
