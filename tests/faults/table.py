"""Every scenario, by what a person would call it."""

from __future__ import annotations

from collections.abc import Mapping

from tests.faults.damaged import DAMAGED_BASELINE, DAMAGED_JUDGE, DAMAGED_MODEL, DAMAGED_STORE
from tests.faults.killed import KILLED, KILLED_WHILE_DRAWING, at_an_operation, workers
from tests.faults.projects import EXPORT, PARQUET, RECORD, REPORTS
from tests.faults.scenarios import Scenario
from tests.faults.servers import SERVERS
from tests.faults.surroundings import (
    CLOCK,
    FEW_DESCRIPTORS,
    FULL,
    LIMITED,
    NO_FAKETIME,
    NO_MEMORY,
    NO_ROOT,
    NO_SHM,
    OTHER_USER,
    READ_ONLY,
    at_any_time,
)

__all__ = ["SCENARIOS"]


def _killed(project: str, *arguments: str) -> Scenario:
    return Scenario(project, KILLED, arguments, start=at_an_operation)


SCENARIOS: Mapping[str, Scenario] = {
    "kill -9 while sampling": _killed("new"),
    "kill -9 while sampling a model": _killed("new, with a model"),
    "kill -9 while sampling a server": _killed("new, on a server"),
    "kill -9 while four workers sample": Scenario("new", KILLED_WHILE_DRAWING, start=workers),
    "kill -9 while recording": _killed("recorded", *RECORD),
    "kill -9 while calibrating": _killed("drawn", "--diversity-calibrate=write"),
    "kill -9 while exporting": _killed("exported", *EXPORT),
    "kill -9 while exporting Parquet": _killed("exported", *PARQUET),
    "kill -9 while reporting": _killed("reported", *REPORTS),
    "kill -9 while recovering": _killed("broken off", "--diversity-recover"),
    "disk full while sampling": Scenario("new", FULL, lacks=NO_ROOT),
    "disk full while recording": Scenario("recorded", FULL, RECORD, lacks=NO_ROOT),
    "disk full while exporting": Scenario("exported", FULL, EXPORT, lacks=NO_ROOT),
    "disk full while reporting": Scenario("reported", FULL, REPORTS, lacks=NO_ROOT),
    "files limited in size while sampling": Scenario("new", LIMITED),
    "files limited in size while reporting": Scenario("reported", LIMITED, REPORTS),
    "a folder that can only be read": Scenario("drawn", READ_ONLY, lacks=NO_ROOT),
    "a folder of another user": Scenario("drawn", OTHER_USER, lacks=NO_ROOT),
    "a clock that jumps": Scenario("new", CLOCK, start=at_any_time, lacks=NO_FAKETIME),
    "out of memory": Scenario("new", NO_MEMORY),
    "out of memory with a model": Scenario("new, with a model", NO_MEMORY),
    "few descriptors": Scenario("new", FEW_DESCRIPTORS),
    "few descriptors and a server": Scenario("new, on a server", FEW_DESCRIPTORS),
    "no /dev/shm": Scenario("new, with a model", NO_SHM, lacks=NO_ROOT),
    "a damaged store": Scenario("drawn", DAMAGED_STORE),
    "a damaged baseline": Scenario("compared", DAMAGED_BASELINE),
    "a damaged model": Scenario("drawn with a model", DAMAGED_MODEL),
    "a damaged judge": Scenario("judged", DAMAGED_JUDGE),
    **{f"a server that {what}": Scenario("new, on a server", one) for what, one in SERVERS.items()},
}
