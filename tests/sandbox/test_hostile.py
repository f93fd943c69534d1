"""Hostile programs end as they must, on every tier that this machine has."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from pytest_diversity.sandbox import Execution, Limits, Program, Sandbox, Tier
from pytest_diversity.sandbox.tiers import prove

from .hostile import ATTACKS, ENDINGS, NOTHING, attack, ending

TIERS = {
    "landlock": Tier("landlock"),
    "landlock as in its first version": Tier("landlock", 1),
    "bubblewrap": Tier("bubblewrap"),
    "no-open": Tier("no-open"),
}


@dataclass
class World:
    """What hostile programs try to reach: all of it is there to be harmed."""

    folder: Path
    decoy: subprocess.Popen[bytes]
    servers: dict[str, socket.socket] = field(default_factory=dict)

    @property
    def known(self) -> dict[str, object]:
        return {
            "folder": str(self.folder),
            "secret": str(self.folder / "secret"),
            "victim": str(self.folder / "victim"),
            "decoy": self.decoy.pid,
            "tcp": self.servers["tcp"].getsockname()[1],
            "udp": self.servers["udp"].getsockname()[1],
            "unix": self.servers["unix"].getsockname(),
        }

    def harm(self) -> list[str]:
        """What happened to it, seen from outside."""
        harm = [] if self.decoy.poll() is None else ["the decoy died"]
        if sorted(path.name for path in self.folder.iterdir()) != ["secret", "unix", "victim"]:
            harm.append("the folder changed")
        victim = self.folder / "victim"
        if victim.read_text() != "untouched" or victim.stat().st_mode & 0o777 != 0o666:
            harm.append("the victim changed")
        for name, server in self.servers.items():
            try:
                server.recvfrom(1) if name == "udp" else server.accept()
            except BlockingIOError:
                continue
            harm.append(f"{name} was reached")
        return harm


def _server(kind: int, address: object, family: int = socket.AF_INET) -> socket.socket:
    server = socket.socket(family, kind)
    server.bind(address)  # type: ignore[arg-type]
    if kind == socket.SOCK_STREAM:
        server.listen()
    server.settimeout(0)
    return server


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("w")
    (folder / "secret").write_text("planted")
    (folder / "victim").write_text("untouched")
    (folder / "victim").chmod(0o666)
    with ExitStack() as stack:
        decoy = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
        stack.callback(decoy.wait)
        stack.callback(decoy.kill)
        it = World(folder, decoy)
        stream = socket.SOCK_STREAM
        it.servers["tcp"] = stack.enter_context(_server(stream, ("127.0.0.1", 0)))
        it.servers["udp"] = stack.enter_context(_server(socket.SOCK_DGRAM, ("127.0.0.1", 0)))
        unix = str(folder / "unix")
        it.servers["unix"] = stack.enter_context(_server(stream, unix, socket.AF_UNIX))
        yield it


# A number of seconds that no other run has: it marks the processes of these tests.
LIMITS = Limits(cpu=1.0, wall=3 + os.getpid() / 2**24)


def _left() -> list[str]:
    """The processes of these sandboxes that do not go away."""
    for _ in range(100):
        if not (found := _ours()):
            break
        time.sleep(0.05)  # bubblewrap returns a moment before its namespace is gone
    return found


def _ours() -> list[str]:
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = path.read_text()
        except OSError:
            continue
        if repr(LIMITS.wall) in line:
            found.append(path.parent.name)
    return found


def _descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


@dataclass
class Table:
    """All hostile programs run on one tier, and what was left afterwards."""

    executions: dict[str, Execution]
    harm: list[str]
    processes: list[str]
    descriptors: int
    threads: int


# The wall of most machines in `make test`, the others among the long tests.
ON_TIERS = [
    pytest.param(name, marks=() if name == "landlock" else pytest.mark.long) for name in TIERS
]


@pytest.fixture(scope="module", params=ON_TIERS)
def table(request: pytest.FixtureRequest, world: World) -> Table:
    tier = TIERS[request.param]
    if reason := prove(tier).missing:
        pytest.skip(f"{request.param} is not available here: {reason}")
    programs = {
        name: Program(attack(body), "f", ([world.known],)) for name, body in ATTACKS.items()
    } | {name: Program(ending(case), "f", case.inputs) for name, case in ENDINGS.items()}
    os.environ["DIVERSITY_TEST_SECRET"] = "planted"  # noqa: S105 - it is not one
    descriptors, threads = _descriptors(), threading.active_count()
    with Sandbox(limits=LIMITS, tier=tier) as sandbox:
        executions = dict(zip(programs, sandbox.run(programs.values()), strict=True))
    del os.environ["DIVERSITY_TEST_SECRET"]
    return Table(
        executions,
        world.harm(),
        _left(),
        _descriptors() - descriptors,
        threading.active_count() - threads,
    )


@pytest.mark.parametrize("name", ATTACKS)
def test_nothing_outside_can_be_reached(table: Table, name: str) -> None:
    (outcome,) = table.executions[name].outcomes
    assert (outcome.kind, outcome.value) == ("ok", NOTHING)


@pytest.mark.parametrize("name", ENDINGS)
def test_a_program_ends_as_it_must(table: Table, name: str) -> None:
    (outcome,) = table.executions[name].outcomes
    case = ENDINGS[name]
    assert outcome.kind in case.kinds.split()
    assert case.value in (None, outcome.value)


def test_the_world_is_unharmed_after_all_of_them(table: Table) -> None:
    assert table.harm == []


def test_no_process_descriptor_or_thread_is_left_after_all_of_them(table: Table) -> None:
    assert (table.processes, table.descriptors, table.threads) == ([], 0, 0)
