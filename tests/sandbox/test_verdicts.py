"""A verdict is what plain CPython says, on every tier, and no program can forge it."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap
from collections.abc import Iterator

import pytest

from pytest_diversity.sandbox import Execution, Outcome, Program, Sandbox
from pytest_diversity.sandbox.model import second_opinion
from pytest_diversity.sandbox.tiers import prove

from .forgeries import CHECK, FORGERIES, REPORTING
from .pairs import PAIRS
from .test_hostile import TIERS

# One fork a pair, with program and check in one process, as every benchmark runs them.
DRIVER = """
import json, os, sys, types
for program, check, entry in json.load(sys.stdin):
    pid = os.fork()
    if pid == 0:
        os.dup2(os.open(os.devnull, os.O_RDWR), 1)
        try:
            module = sys.modules["program"] = types.ModuleType("program")
            exec(program, vars(module))
            exec(check, vars(module))
            module.check(vars(module)[entry])
        except BaseException:
            os._exit(1)
        os._exit(0)
    print(int(os.waitpid(pid, 0)[1] == 0), flush=True)
"""


def check_of(body: str) -> str:
    return "def check(candidate):\n" + textwrap.indent(body, "    ")


@pytest.fixture(scope="module")
def cpython() -> dict[str, bool]:
    rows = [(program, check_of(body), entry) for program, body, entry in PAIRS.values()]
    done = subprocess.run(  # noqa: S603 - ours
        [sys.executable, "-c", DRIVER],
        input=json.dumps(rows),
        text=True,
        capture_output=True,
        check=True,
    )
    return dict(zip(PAIRS, (line == "1" for line in done.stdout.split()), strict=True))


@pytest.fixture(scope="module", params=TIERS)
def verdicts(request: pytest.FixtureRequest) -> Iterator[dict[str, Outcome | None]]:
    if reason := prove(TIERS[request.param]).missing:
        pytest.skip(f"{request.param} is not available here: {reason}")
    programs = [
        Program(program, entry, check=check_of(body)) for program, body, entry in PAIRS.values()
    ]
    with Sandbox(tier=TIERS[request.param]) as sandbox:
        yield {
            name: execution.verdict
            for name, execution in zip(PAIRS, sandbox.run(programs), strict=True)
        }


# Where no file can be opened these cannot be imported; CPython would say the same there.
NEEDS_FILES = ("numpy", "pathlib", "patched", "unittest")


@pytest.mark.parametrize("name", PAIRS)
def test_a_verdict_is_what_cpython_says(
    verdicts: dict[str, Outcome | None],
    cpython: dict[str, bool],
    name: str,
    request: pytest.FixtureRequest,
) -> None:
    verdict = verdicts[name]
    assert verdict is not None
    if "no-open" in request.node.name and name.startswith(NEEDS_FILES):
        assert verdict.kind in ("ok", "exception", "bad-check", "wrong")
    else:
        assert (verdict.kind == "ok") is cpython[name], verdict


@pytest.fixture(scope="module", params=TIERS)
def forged(request: pytest.FixtureRequest) -> dict[str, Execution]:
    if reason := prove(TIERS[request.param]).missing:
        pytest.skip(f"{request.param} is not available here: {reason}")
    programs = [Program(source, "f", check=CHECK) for source in FORGERIES.values()]
    with Sandbox(tier=TIERS[request.param]) as sandbox:
        return dict(zip(FORGERIES, sandbox.run(programs), strict=True))


@pytest.mark.parametrize("name", FORGERIES)
def test_a_forged_verdict_never_passes(forged: dict[str, Execution], name: str) -> None:
    """Not even as one that is not cross-checked, nor by leaving its prompt out."""
    assert forged[name].correct is False, forged[name].verdict


COMMON_CHECKS = {
    "random inputs": (
        "import random\nfor _ in range(3):\n    n = random.randint(0, 999)\n"
        "    assert candidate(n) == n + 4710"
    ),
    "copied arguments": (
        "import copy\nx = copy.deepcopy([1])\nassert candidate(x[0]) == 4711 and x == [1]"
    ),
    "a type that is asked for": "y = candidate(1)\nassert isinstance(y, int) and y == 4711",
}


@pytest.mark.parametrize("name", COMMON_CHECKS)
def test_what_checks_often_do_leaves_no_room_for_a_forger(sandbox: Sandbox, name: str) -> None:
    """Even one that answers with objects of its own, which are harder to check."""
    sources = (
        f"{REPORTING}class E: pass\ndef f(x):\n    say()\n    return E()",
        "def f(x): return x + 4710",
    )
    check = check_of(COMMON_CHECKS[name])
    forger, honest = sandbox.run(Program(source, "f", check=check) for source in sources)
    assert forger.verdict == Outcome("forged")
    assert honest.cross_checked


def test_what_is_expected_cannot_be_read_through_a_callback(sandbox: Sandbox) -> None:
    source = (
        "def f(g):\n    try: return g.__code__.co_consts[-1]\n    except BaseException: return None"
    )
    program = Program(source, "f", check=check_of("g = lambda: 42\nassert candidate(g) == 42"))
    (execution,) = sandbox.run([program])
    assert execution.verdict == Outcome("forged")


OPINIONS = {
    "passes": Outcome("ok"),
    "fails": Outcome("forged"),
    "unclear": Outcome("ok", "not cross-checked: why"),
    "gone": Outcome("forged"),
    "bad-check": Outcome("bad-check", "why"),
}


@pytest.mark.parametrize("opinion", OPINIONS)
def test_the_second_opinion_on_a_passing_verdict(opinion: str) -> None:
    said = second_opinion(Outcome("ok"), opinion, "why", Outcome("no-result"))
    assert said == OPINIONS[opinion]


def test_a_program_that_runs_out_of_time_there_is_not_called_a_forger() -> None:
    said = second_opinion(Outcome("ok"), "gone", None, Outcome("timeout"))
    assert said == Outcome("ok", "not cross-checked: timeout")


BAD_CHECKS = {
    "def check(candidate:": "cannot be loaded: SyntaxError",
    "x = 1": "defines no function check",
    "def check(): pass": "cannot be called with one argument",
    "def check(c):\n    import no_such_module": "cannot import what it needs",
    "async def check(c): assert 0": "never runs",
}


@pytest.mark.parametrize("check", BAD_CHECKS)
def test_a_check_that_cannot_be_used_is_told_apart_and_ends_nothing(
    sandbox: Sandbox, check: str
) -> None:
    bad, good = sandbox.run(
        Program("def f(x): return x", "f", check=one)
        for one in (check, check_of("assert candidate(1) == 1"))
    )
    assert bad.verdict is not None
    assert bad.verdict.kind == "bad-check"
    assert BAD_CHECKS[check] in (bad.verdict.value or "")
    assert bad.correct is None
    assert good.correct


def test_an_assertion_of_the_program_does_not_make_it_valid(sandbox: Sandbox) -> None:
    check = check_of("assert candidate(1) == 2")
    own, checked = sandbox.run(
        Program(source, "f", check=check)
        for source in ("def f(x): assert x > 5", "def f(x): return x")
    )
    assert (own.valid, checked.valid) == (False, True)
