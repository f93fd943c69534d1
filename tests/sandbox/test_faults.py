"""The judge's own faults are never verdicts: programs do not reach each other through it."""

from __future__ import annotations

import contextlib
import fcntl
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from pytest_diversity.sandbox import Execution, Limits, Outcome, Program, Sandbox, Tier
from pytest_diversity.sandbox.inside.threads import THREADS
from pytest_diversity.sandbox.tiers import prove
from pytest_diversity.sandbox.worker import SHORT

CHECK = "def check(candidate):\n    assert candidate(1) == 1"
RIGHT = "def f(x): return x"
QUICK = Limits(cpu=0.5, wall=3.0)


@pytest.fixture(scope="module", params=["landlock", "bubblewrap", "no-open"])
def tier(request: pytest.FixtureRequest) -> Tier:
    tier = Tier(request.param)
    if reason := prove(tier).missing:
        pytest.skip(f"{request.param} is not available here: {reason}")
    return tier


@pytest.fixture(scope="module")
def alone(tier: Tier) -> Iterator[Sandbox]:
    """One worker, so that each program comes after the one before in the same processes."""
    with Sandbox(limits=QUICK, tier=tier, workers=1) as sandbox:
        yield sandbox


def called(sandbox: Sandbox, source: str) -> Execution:
    return next(sandbox.run([Program(source, "f", ([1],))]))


def value(sandbox: Sandbox, source: str) -> str | None:
    return called(sandbox, source).outcomes[0].value


@contextlib.contextmanager
def many_open(count: int = 600) -> Iterator[None]:
    """This process with more descriptors open than any child closes one by one."""
    low, high = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(low, 2 * count), high))
    with Path(os.devnull).open() as nowhere, contextlib.ExitStack() as stack:
        for number in range(count):
            copy = fcntl.fcntl(nowhere.fileno(), fcntl.F_DUPFD, number)
            stack.callback(os.close, copy)
        yield


ALL_DESCRIPTORS = """
import os
def f(x):
    found = []
    for n in range(4096):
        try: os.fstat(n)
        except OSError: continue
        found.append(n)
    return found == [0, 1, 2, 3, 4]
"""
GARBAGE = """
import os
def f(x):
    for n in range(5, 4096):
        try: os.write(n, b'x' * 64)
        except OSError: pass
    return x
"""


def test_no_descriptor_is_inherited_however_many_the_tests_have(tier: Tier) -> None:
    """Neither a program's process nor the checker's keeps one with a number above 255."""
    with many_open(), Sandbox(limits=QUICK, tier=tier, workers=1) as sandbox:
        programs = [Program(f"{GARBAGE}# {n}", "f", check=CHECK) for n in range(3)]
        verdicts = [execution.verdict for execution in sandbox.run(programs)]
        assert [verdict and verdict.kind for verdict in verdicts] == ["ok"] * 3
        assert value(sandbox, ALL_DESCRIPTORS) == "true"


FLAGS = """
import fcntl, os
def f(x):
    seen = [fcntl.fcntl(n, fcntl.F_GETFL) & (os.O_NONBLOCK | os.O_APPEND) for n in range(5)]
    for n in range(5): fcntl.fcntl(n, fcntl.F_SETFL, os.O_NONBLOCK | os.O_APPEND)
    return seen
"""


def test_no_open_file_is_shared_with_the_program_before(alone: Sandbox) -> None:
    """Flags that one program sets on its descriptors are not there for the next."""
    for n in range(3):
        assert value(alone, f"{FLAGS}# {n}") == '["list",[0,0,0,0,0]]'


# Reads what is mapped near its own objects, page by page, asking the kernel first what is there.
SCAN = """
import ctypes, gc, os, sys
libc = ctypes.CDLL(None)
def f(x):
    needle = b'MARK' + b'%d' % (7 * 11 * 13)
    reading, writing = os.pipe()
    os.set_blocking(reading, False)
    found = 0
    seen = set()
    for thing in gc.get_objects() + [x, needle, sys, os]:
        start = id(thing) & ~0xfffff
        if start in seen: continue
        seen.add(start)
        for page in range(start, start + (1 << 20), 4096):
            if libc.write(writing, ctypes.c_void_p(page), 4096) != 4096: continue
            held = os.read(reading, 4096)
            at = held.find(needle)
            while at >= 0:
                found += held[at + 8:at + 17] == b'OF-BEFORE'
                at = held.find(needle, at + 1)
    return [found, len(seen) > 1]
"""
BEFORE = "def f(x):\n    print('MARK' '1001' 'OF-BEFORE')\n    return 'MARK1001OF-BEFORE' * 50"


def test_nothing_of_another_program_is_in_memory(alone: Sandbox) -> None:
    """Neither its source, nor its inputs, its output or its value."""
    for n in range(5):
        done = alone.run([Program(f"{BEFORE}, {n}", "f", (["MARK1001OF-BEFORE"],), check=CHECK)])
        assert next(done).outcomes[0].kind == "ok"
    assert value(alone, SCAN) == '["list",[0,true]]'


BOMBS = {
    "threads of Python with the smallest stacks": (
        "import threading, time\n"
        "def f(x):\n"
        "    threading.stack_size(1 << 15)\n"
        "    for n in range(9999):\n"
        "        try: threading.Thread(target=time.sleep, args=(9,), daemon=True).start()\n"
        "        except RuntimeError: return n\n"
    ),
    "threads that start threads": (
        "import _thread, time\n"
        "def f(x):\n"
        "    _thread.stack_size(1 << 15)\n"
        "    count = []\n"
        "    def more():\n"
        "        try:\n"
        "            for _ in range(40): _thread.start_new_thread(more, ()); count.append(1)\n"
        "        except RuntimeError: pass\n"
        "        time.sleep(9)\n"
        "    _thread.start_new_thread(more, ())\n"
        "    time.sleep(.3)\n"
        "    return len(count) + 1\n"
    ),
}


@pytest.mark.parametrize("name", BOMBS)
def test_a_program_has_no_more_threads_than_its_bound(alone: Sandbox, name: str) -> None:
    assert value(alone, BOMBS[name]) == str(THREADS - 1)


def test_threads_that_have_ended_are_not_counted(alone: Sandbox) -> None:
    """More of them than the bound, one after the other and a few at once."""
    source = (
        "import threading\n"
        "def f(x):\n"
        "    total = []\n"
        "    for n in range(60):\n"
        "        some = [threading.Thread(target=total.append, args=(n,)) for n in range(8)]\n"
        "        for one in some: one.start()\n"
        "        for one in some: one.join()\n"
        "    return len(total)"
    )
    assert value(alone, source) == "480"


def test_a_status_that_means_something_to_the_harness_is_its_own(alone: Sandbox) -> None:
    """It ends as one whose threads could not be started does, and is not believed."""
    (outcome,) = called(alone, "import os\ndef f(x): os._exit(77)").outcomes
    assert outcome.kind == "no-result"
    verdict = next(alone.run([Program("import os\ndef f(x): os._exit(77)", "f", check=CHECK)]))
    assert verdict.verdict is not None
    assert verdict.verdict.kind == "no-result"
    assert value(alone, RIGHT) == "1"


BUSY = {
    "a fraction of a billion digits": "['ok', ['Fraction', '1e1000000000']]",
    "nesting that no encoder writes": "['ok', '[' * 99999]",
    "a huge number": "['ok', ['int', 'f' * 1000000]]",
    "an exception that cannot be made": "['exception', 'ExceptionGroup']",
    "an exception of an exception": "['exception', '__build_class__']",
    "no kind": "[]",
    "a number": "7",
}


@pytest.mark.parametrize("name", BUSY)
def test_a_forged_report_costs_the_program_alone(alone: Sandbox, name: str) -> None:
    """It is never an error of the harness, and the next program is judged as ever."""
    forged = (
        "import json, os\n"
        f"def f(x):\n    os.write(3, json.dumps({BUSY[name]}).encode() + b'\\n')\n    os._exit(0)"
    )
    programs = [Program(forged, "f", check=CHECK), Program(RIGHT, "f", check=CHECK)]
    first, second = (execution.verdict for execution in alone.run(programs))
    assert first is not None
    assert first.kind != "ok"
    assert second is not None
    assert second.kind == "ok"


def test_a_checker_that_dies_is_replaced_and_never_a_verdict() -> None:
    check = "import os, signal\n" + CHECK
    with Sandbox(limits=QUICK, workers=1) as sandbox:
        assert next(sandbox.run([Program(RIGHT, "f", check=check)])).correct
        (worker,) = sandbox._all
        worker.servers["checker"].kill()
        assert next(sandbox.run([Program(RIGHT + " ", "f", check=check)])).correct


# Prints the processes that it started, then waits to be killed while they are busy.
HOST = '''
import sys, threading, time
from pytest_diversity.sandbox import Limits, Program, Sandbox, Tier
CHECK = """
import sys
def check(candidate):
    candidate(1)
    while 'program' not in sys.modules: pass
"""
with Sandbox(limits=Limits(cpu=60, wall=60), workers=1, tier=Tier(sys.argv[1])) as sandbox:
    (worker,) = sandbox._all
    program = Program("def f(x): return x", "f", check=CHECK)
    threading.Thread(target=lambda: list(sandbox.run([program])), daemon=True).start()
    while "checker" not in worker.servers or "first" not in worker.servers: time.sleep(0.05)
    print(*(server.process.pid for server in worker.servers.values()), flush=True)
    time.sleep(600)
'''


def _below(pids: list[int]) -> list[int]:
    found = list(pids)
    for pid in found:
        with contextlib.suppress(OSError):
            text = Path(f"/proc/{pid}/task/{pid}/children").read_text()
            found += [int(child) for child in text.split()]
    return found


def _alive(pid: int) -> bool:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False


def test_when_the_tests_are_killed_nothing_is_left(tier: Tier) -> None:
    """A busy checker too ends with them."""
    command = [sys.executable, "-c", HOST, tier.barrier]
    host = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)  # noqa: S603 - ours
    assert host.stdout is not None
    pids = _below([int(pid) for pid in host.stdout.readline().split()])
    assert len(pids) >= 3
    host.send_signal(signal.SIGKILL)
    host.wait()
    host.stdout.close()
    for _ in range(100):
        if not any(map(_alive, pids)):
            break
        time.sleep(0.05)
    assert not any(map(_alive, pids))


# What the runs of a program come to, in turn: those of the first server and of the second.
ROOMS = {
    "the first run": ([SHORT, SHORT, "ok"], ["ok"]),
    "the second run": (["ok", "ok", "ok"], [SHORT, SHORT, "ok"]),
    "a machine that is full for long": ([SHORT] * 12 + ["ok"], ["ok"]),
}


@pytest.mark.parametrize("case", ROOMS)
def test_want_of_room_is_never_an_outcome(
    alone: Sandbox, monkeypatch: pytest.MonkeyPatch, case: str
) -> None:
    """Whichever of its runs it meets."""
    list(alone.run([Program("def f(x): return x", "f", ([1],))]))
    (worker,) = alone._all
    kinds = dict(zip(("first", "second"), map(iter, ROOMS[case]), strict=True))
    monkeypatch.setattr(worker, "_outcomes", lambda name, *_: (Outcome(next(kinds[name]), "1"),))
    monkeypatch.setattr(worker, "_wait_for_room", lambda: {"waited": True, "refused": False})
    (execution,) = alone.run([Program("def f(x):  return x", "f", ([1],))])
    assert execution.outcomes == (Outcome("ok", "1"),)
    assert not execution.nondeterministic
