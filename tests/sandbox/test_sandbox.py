"""Programs are run in order, each once, the same way every time; nothing else is an outcome."""

from __future__ import annotations

import ctypes
import json
import os
import platform
import signal
import struct
import subprocess
import sys
from pathlib import Path

import pytest

from pytest_diversity.sandbox import (
    CheckError,
    Execution,
    HarnessError,
    Limits,
    Outcome,
    Program,
    Sandbox,
    SandboxUnavailable,
    Tier,
    find_tier,
    fingerprint,
    tiers,
    walls,
)
from pytest_diversity.sandbox.inside import bpf, confine
from pytest_diversity.sandbox.inside.syscalls import ARCHITECTURES, NUMBERS
from pytest_diversity.sandbox.tiers import Trial


def one(sandbox: Sandbox, source: str, *inputs: object, entry: str | None = "f") -> Execution:
    return next(sandbox.run([Program(source, entry, inputs)]))


def test_results_come_in_order_and_equal_programs_run_once(sandbox: Sandbox) -> None:
    sources = [f"def f(): return {i % 7}" for i in range(40)]
    done = list(sandbox.run(Program(source, "f", ([],)) for source in sources))
    assert [e.outcomes[0].value for e in done] == [str(i % 7) for i in range(40)]
    assert len({id(execution) for execution in done}) == 7


def test_results_stream_while_programs_are_still_being_made(sandbox: Sandbox) -> None:
    made = []

    def programs() -> object:
        for i in range(1000):
            made.append(i)
            yield Program(f"def f(): return {i}", "f", ([],))

    assert next(sandbox.run(programs())).outcomes[0].value == "0"  # type: ignore[arg-type]
    assert len(made) < 1000


def test_each_input_meets_a_fresh_program(sandbox: Sandbox) -> None:
    counted = one(sandbox, "n = []\ndef f(x):\n    n.append(x)\n    return n", [1], [2])
    assert [outcome.value for outcome in counted.outcomes] == ['["list",[1]]', '["list",[2]]']


def test_a_program_that_reads_and_prints(sandbox: Sandbox) -> None:
    done = one(sandbox, "print(input()[::-1], '  ')\nprint()", "abc\n", "é\n", entry=None)
    assert [outcome.output for outcome in done.outcomes] == ["cba", "é"]
    assert done.valid


def test_a_script_may_end_itself_and_its_threads_and_handlers_are_awaited(sandbox: Sandbox) -> None:
    source = (
        "import atexit, sys, threading, time\n"
        "atexit.register(print, 'last')\n"
        "threading.Thread(target=lambda: (time.sleep(0.05), print('thread'))).start()\n"
        "sys.exit()"
    )
    assert one(sandbox, source, "", entry=None).outcomes[0].output == "thread\nlast"


def test_long_outputs_are_kept_short_and_still_differ(sandbox: Sandbox) -> None:
    sources = [f"def f():\n    print('x' * 9999, {n})\n    return 'y' * 9999, {n}" for n in (1, 2)]
    first, second = (one(sandbox, source, []).outcomes[0] for source in sources)
    assert len({first.value, second.value}) == len({first.stdout, second.stdout}) == 2
    assert max(len(first.value or ""), len(first.stdout)) < 5000


def test_after_a_timeout_the_other_inputs_are_not_run(sandbox: Sandbox) -> None:
    done = one(sandbox, "def f(n):\n    while n: pass\n    return 5", [1], [0], [0])
    assert [outcome.kind for outcome in done.outcomes] == ["timeout"] * 3


SAME = {
    "random numbers": "import random\ndef f(): return [random.random() for _ in range(3)]",
    "numpy's random numbers": "import numpy\ndef f(): return numpy.random.rand(3)",
    "the time": "import time\ndef f(): return time.time(), time.perf_counter(), time.ctime()",
    "today": "import datetime as d\ndef f(): return str(d.datetime.now()), str(d.date.today())",
    "order of a set": "def f(): return set('abcdefgh')",
    "an object's address": "def f(): return object()",
    "the environment": "import os\ndef f(): return dict(os.environ).get('HOME'), os.getcwd()",
}
DIFFERENT = {
    "order of a set as a list": "def f(): return list(set('abcdefgh'))",
    "a hash": "def f(): return hash('abc')",
    "random numbers of the kernel": "import os\ndef f(): return os.urandom(8)",
    "a number of its process": "import os\ndef f(): return os.getpid()",
    "an address": "def f(): return id(f)",
}


@pytest.mark.parametrize("name", SAME)
def test_the_same_in_every_run(sandbox: Sandbox, name: str) -> None:
    done = one(sandbox, SAME[name], [])
    assert done.outcomes[0].kind == "ok"
    assert not done.nondeterministic
    with Sandbox(workers=1) as other:
        assert one(other, SAME[name], []).meaning == done.meaning


@pytest.mark.parametrize("name", DIFFERENT)
def test_what_differs_in_a_second_run_is_flagged_and_not_valid(sandbox: Sandbox, name: str) -> None:
    done = one(sandbox, DIFFERENT[name], [])
    assert done.nondeterministic
    assert not done.valid


def test_waiting_takes_time_on_the_fixed_clock(sandbox: Sandbox) -> None:
    source = (
        "import asyncio, time\n"
        "def f():\n    began = time.monotonic()\n    asyncio.run(asyncio.sleep(0.3))\n"
        "    return time.monotonic() - began > 0.2"
    )
    assert one(sandbox, source, []).outcomes[0].value == "true"


VALIDITY = {
    "a value": ("def f(): return 0", True),
    "an output": ("def f(): print(1)", True),
    "nothing": ("def f(): pass", False),
    "an exception": ("def f(): 1 / 0", False),
    "an exit": ("import sys\ndef f(): sys.exit()", False),
}


@pytest.mark.parametrize("name", VALIDITY)
def test_validity(sandbox: Sandbox, name: str) -> None:
    source, valid = VALIDITY[name]
    assert one(sandbox, source, []).valid is valid


def test_exceptions_and_nothing_can_count_as_behaviour() -> None:
    raised = Execution((Outcome("exception", "KeyError"), Outcome("ok", "null")))
    assert not raised.valid
    assert raised.is_valid(allow_nothing=True, allow_exceptions=True)


def test_executions_survive_a_store(sandbox: Sandbox) -> None:
    program = Program("def f(): return '\\ud800'", "f", ([],), check="def check(c): assert c()")
    done = next(sandbox.run([program]))
    assert Execution.from_json(json.loads(json.dumps(done.to_json()))) == done
    assert hash(done.meaning) == hash(done.meaning)


CHECKS = {
    "a right answer": ("def f(x): return x + 1", "assert candidate(1) == 2", "ok"),
    "a wrong answer": ("def f(x): return x", "assert candidate(1) == 2", "wrong"),
    "exact values": (
        "def f(x): return (0.1 + 0.2, {x})",
        "assert candidate(1)[0] == .1 + .2",
        "ok",
    ),
    "an argument changed in place": (
        "def f(x): x.sort()",
        "a = [2, 1]; candidate(a); assert a == [1, 2]",
        "ok",
    ),
    "an expected exception": (
        "def f(x): raise ValueError",
        "try: candidate(1)\n    except ValueError: return\n    assert 0",
        "ok",
    ),
    "named arguments": ("def f(x, y): return x - y", "assert candidate(y=1, x=3) == 2", "ok"),
    "an iterator": ("def f(x): return map(abs, x)", "assert list(candidate([-1])) == [1]", "ok"),
    "a prompt's helper": ("def f(x): return 4", "assert candidate(2) == helper(2)", "ok"),
    "an object that equals everything": (
        "class E:\n    def __eq__(s, o): return True\ndef f(x): return E()",
        "assert candidate(1) == 2",
        "forged",
    ),
    "leaving before the check ends": (
        "import os\ndef f(x): os._exit(0)",
        "candidate(1)",
        "no-result",
    ),
    "raising what ends a test": ("def f(x): raise SystemExit(0)", "assert candidate(1)", "exit"),
    "forging the failure of others": (
        'import os\ndef f(x): os.write(3, b\'["unloaded",["ok",1]]\\n\')',
        "assert candidate(1)",
        "no-result",
    ),
    "forging a value of no kind": (
        "import os\ndef f(x): os.write(3, b'[\"ok\",[[1],{}]]\\n')",
        "assert candidate(1)",
        "no-result",
    ),
    "answering nonsense": (
        "import os\ndef f(x): os.write(3, b'nonsense\\n')",
        "assert candidate(1)",
        "no-result",
    ),
    "looking for the check": (
        "import gc\nf = lambda x: any('check' in d for d in gc.get_objects() if type(d) is dict)",
        "assert candidate(1) is False",
        "wrong",
    ),
    "an endless loop": ("def f(x):\n    while True: pass", "candidate(1)", "timeout"),
    "a syntax error": ("def f(x:", "candidate(1)", "syntax"),
    "swallowing every error": (
        "def f(x): raise KeyError",
        "try: candidate(1)\n    except Exception: pass",
        "ok",
    ),
}


@pytest.mark.parametrize("name", CHECKS)
def test_how_a_check_ends(sandbox: Sandbox, name: str) -> None:
    source, body, kind = CHECKS[name]
    check = f"def check(candidate):\n    {body}"
    program = Program(source, "f", check=check, prefix="def helper(x): return 2 * x")
    done = next(sandbox.run([program]))
    assert done.verdict is not None
    assert done.verdict.kind == kind
    assert done.correct is (kind == "ok")


def test_a_check_that_does_not_end_is_a_timeout() -> None:
    check = "def check(candidate):\n    while candidate(1): pass"
    programs = [Program(f"def f(x): return {n}", "f", check=check) for n in (1, 0)]
    with Sandbox(limits=Limits(cpu=0.3, wall=1.0), workers=1) as quick:
        verdicts = [execution.verdict for execution in quick.run(programs)]
    assert [verdict and verdict.kind for verdict in verdicts] == ["timeout", "ok"]


def test_a_run_that_is_given_up_ends_at_once_and_leaves_nothing() -> None:
    loops = [Program(f"def f():\n    while {n}: pass", "f", ([],)) for n in range(1, 9)]
    with Sandbox(limits=Limits(cpu=100, wall=100), workers=2) as sandbox:
        running = sandbox.run([Program("def f(): return 1", "f", ([],)), *loops])
        next(running)
        servers = [s for worker in sandbox._all for s in worker.servers.values()]
    assert all(server.process.returncode is not None for server in servers)


def test_wrong_inputs_are_refused_in_one_sentence() -> None:
    with pytest.raises(CheckError, match="list of arguments, or a string"):
        Program("", "f", (1,))
    with pytest.raises(CheckError, match="no entry point is named"):
        Program("", None, ([1],))
    with pytest.raises(CheckError, match=r"inputs of f are not plain: .* set .*; use JSON values"):
        _ = Program("", "f", ([{1}],)).key


def test_a_server_that_dies_is_replaced_and_never_an_outcome() -> None:
    with Sandbox(workers=1) as sandbox:
        assert one(sandbox, "def f(): return 1", []).valid
        (worker,) = sandbox._all
        os.kill(worker.servers["first"].process.pid, signal.SIGKILL)
        assert one(sandbox, "def f(): return 2", []).valid


def test_a_server_that_cannot_start_is_an_error_not_an_outcome() -> None:
    with Sandbox(workers=1) as sandbox:
        (worker,) = sandbox._all
        worker.tier = Tier("no such thing")
        with pytest.raises(HarnessError, match=r"failed twice on f: .* no score is given"):
            one(sandbox, "def f(): return 1", [])


def test_a_tier_that_does_not_exist_is_refused() -> None:
    with pytest.raises(SandboxUnavailable, match="no such tier"):
        Sandbox(tier=Tier("landslide"))


def test_the_fingerprint_names_what_outcomes_depend_on() -> None:
    text = fingerprint(Limits(cpu=3.5))
    assert "cpython 3." in text
    assert find_tier().barrier in text
    assert "cpu=3.5" in text
    assert "form 2" in text


def test_no_sandbox_means_no_execution(monkeypatch: pytest.MonkeyPatch) -> None:
    lost = [Trial(Tier(name), missing="not today") for name in walls.BARRIERS]
    monkeypatch.setattr(tiers, "trials", lambda: iter(lost))
    with pytest.raises(SandboxUnavailable) as caught:
        tiers.find_tier.__wrapped__()
    assert "refusing to run model-generated code" in str(caught.value)
    assert "landlock: not today" in str(caught.value)
    assert "--diversity-unsafe-code" in str(caught.value)


def test_the_first_tier_that_holds_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    order = [Trial(Tier("landlock"), missing="old"), Trial(Tier("no-open"))]
    monkeypatch.setattr(tiers, "trials", lambda: iter(order))
    assert tiers.find_tier.__wrapped__() == Tier("no-open")


def test_a_broken_wall_is_reported_and_nothing_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    broken = Trial(Tier("landlock"), broken=("read a file",))
    monkeypatch.setattr(tiers, "trials", lambda: iter([broken]))
    with pytest.raises(SandboxUnavailable, match=r"was able to landlock: read a file. Nothing"):
        tiers.find_tier.__wrapped__()


def test_the_self_test_finds_what_missing_walls_let_through() -> None:
    trial = tiers.attack(walls.UNSAFE)
    assert not trial.missing
    assert {"read a file", "write a file", "signal its parent", "connect"} <= {*trial.broken}


def _children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def test_without_walls_what_a_program_leaves_behind_is_ended() -> None:
    source = (
        "import os, time\ndef f():\n    if os.fork() == 0:\n        os.setsid()\n"
        "        if os.fork() == 0:\n            os.closerange(0, 64)\n            time.sleep(60)\n"
        "        os._exit(0)\n    return os.getpid()"
    )
    with Sandbox(workers=1, unsafe=True) as sandbox:
        assert "WITHOUT a sandbox" in str(sandbox)
        assert one(sandbox, source, []).outcomes[0].kind == "ok"
        (worker,) = sandbox._all
        (template,) = _children(worker.servers["first"].process.pid)
        assert _children(template) == []


def test_the_command_names_the_tier() -> None:
    command = [sys.executable, "-m", "pytest_diversity.sandbox", "--check"]
    done = subprocess.run(  # noqa: S603 - ours
        command, capture_output=True, text=True, check=True
    )
    assert f"code sandbox: {find_tier()}" in done.stdout


def _as_a_container() -> None:
    """Refuse Landlock and bubblewrap's namespaces, as a strict container's filter does."""
    column, _ = ARCHITECTURES[platform.machine()]
    clone, landlock = (NUMBERS[name][column] or 0 for name in ("clone", "landlock_create_ruleset"))
    without_new_user: bpf.Condition = (0, 0x10000000, (0,))  # linux/sched.h
    program = [
        struct.pack("=HBBI", bpf.LOAD, 0, 0, bpf.NUMBER_AT),
        *bpf.block(clone, [[without_new_user]]),
        *bpf.any_of([landlock], 1),
        struct.pack("=HBBI", bpf.RETURN, 0, 0, bpf.ERRNO | bpf.EPERM),
        struct.pack("=HBBI", bpf.RETURN, 0, 0, bpf.ALLOW),
    ]
    code = ctypes.create_string_buffer(b"".join(program))
    described = struct.pack("@HP", len(program), ctypes.addressof(code))
    confine.prctl(confine.PR_SET_NO_NEW_PRIVS, ctypes.c_ulong(1))
    confine.prctl(confine.PR_SET_SECCOMP, ctypes.c_ulong(2), described)


def test_where_a_container_refuses_the_others_no_open_holds() -> None:
    command = [sys.executable, "-m", "pytest_diversity.sandbox", "--check"]
    done = subprocess.run(  # noqa: S603 - ours, and this process has no other thread
        command, capture_output=True, text=True, check=True, preexec_fn=_as_a_container
    )
    assert "landlock: not available (" in done.stdout
    assert "code sandbox: seccomp + no-open" in done.stdout


def test_importing_the_room_imports_nothing_heavy() -> None:
    code = "import sys, pytest_diversity.sandbox as e; print(sorted(sys.modules))"
    done = subprocess.run(  # noqa: S603 - ours
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert not {"'numpy'", "'torch'", "'pytest'", "'ctypes'"} & {
        *done.stdout.strip("[]\n").split(", ")
    }
