"""Whole pytest runs that sample a server: killed, in parallel, and with a secret to keep."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from tests.processes import PYTEST

from .scripted import Call, Reply, Scripted

KEY = "sk-secret-1234567890"
CONFIG = """
[checkpoints]
base = {{ model = "{url}#base" }}
dpo = {{ model = "{url}#dpo", concurrency = 3 }}
[defaults]
samples_per_prompt = 4
max_tokens = 8
reference = "base"
[domains.talk]
prompts = "prompts.jsonl"
[domains.talk.budget]
lexical = {{ max_drop = "90%" }}
"""


@pytest.fixture
def project(
    pytester: pytest.Pytester, server: Scripted, monkeypatch: pytest.MonkeyPatch
) -> pytest.Pytester:
    """A project with two checkpoints on one server."""
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    server.models = ["base", "dpo"]
    server.behave = _speak
    lines = "\n".join(f'{{"id": "p{i}", "prompt": "say {i} of it"}}' for i in range(8))
    pytester.path.joinpath("prompts.jsonl").write_text(lines)
    pytester.path.joinpath("diversity.toml").write_text(CONFIG.format(url=server.url))
    pytester.makeini("[pytest]\nfilterwarnings = error\n")
    return pytester


def _speak(call: Call) -> Reply:
    words = " ".join(f"w{call.body['seed'] >> shift & 255}" for shift in range(0, 30, 3))
    choice = {"message": {"content": words}, "finish_reason": "stop"}
    return Reply(200, {"choices": [choice] * call.body.get("n", 1)})


def _rows(project: pytest.Pytester) -> int:
    store = project.path / ".diversity/samples.sqlite"
    if not store.exists():
        return 0
    with sqlite3.connect(store) as connection:
        return int(connection.execute("SELECT COUNT(*) FROM sample").fetchone()[0])


def test_a_warm_run_asks_nothing_and_imports_no_client(
    project: pytest.Pytester, server: Scripted
) -> None:
    """Two checkpoints on one server are gated; the second run does without it."""
    result = project.runpytest_inprocess("-p", "no:cacheprovider")
    result.assert_outcomes(passed=2)
    assert len(server.drawn) == _rows(project) == 2 * 8 * 4
    result.stderr.fnmatch_lines(["diversity: base talk: the server samples base: seeds repeat*"])
    server.stop()
    project.makeconftest(
        "import sys\n"
        "def pytest_unconfigure():\n"
        "    print('imported:', sorted({'httpx2', 'torch'} & set(sys.modules)))\n"
    )
    result = project.runpytest_subprocess("-p", "no:cacheprovider")
    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines(["*from the store, none drawn*", "imported: [[]]"])


def test_two_workers_ask_nothing_twice(project: pytest.Pytester, server: Scripted) -> None:
    """Under -n 2 one worker draws what both need, and the other reads it."""
    result = project.runpytest_subprocess("-p", "no:cacheprovider", "-n", "2")
    result.assert_outcomes(passed=2)
    assert len(server.drawn) == _rows(project) == 2 * 8 * 4


def test_a_server_that_fails_is_a_line_and_no_key(
    project: pytest.Pytester, server: Scripted
) -> None:
    """Even with the local variables of every frame, a failure shows no key."""
    refused = Reply(401, {"error": {"message": f"Incorrect API key provided: {KEY}."}})
    server.behave = lambda call: refused if call.number > 10 and not call.probes else _speak(call)
    result = project.runpytest_inprocess("-p", "no:cacheprovider", "--showlocals", "-rA", "-vv")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    output = result.stdout.str() + result.stderr.str()
    assert "answers 401: Incorrect API key provided: ***" in output
    assert KEY not in output


@pytest.mark.skipif(sys.platform == "win32", reason="sends signals")
@pytest.mark.parametrize("end", ["SIGINT", "SIGKILL"], ids=["Ctrl-C", "kill -9"])
def test_a_run_that_is_ended_keeps_what_arrived(
    project: pytest.Pytester, server: Scripted, end: str
) -> None:
    """With three requests in flight that nobody answers, the run ends; the next one goes on."""
    hangs, ended = threading.Semaphore(0), threading.Event()

    def hang(call: Call) -> Reply:
        if not call.probes and call.number >= 10:
            hangs.release()
            ended.wait(120)
        return _speak(call)

    server.behave = hang
    command = [*PYTEST, "-p", "no:cacheprovider", "--diversity-checkpoint"]
    run = subprocess.Popen(  # noqa: S603 - this interpreter
        [*command, "dpo"],
        cwd=project.path,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        for _ in range(3):
            assert hangs.acquire(timeout=60)
        run.send_signal(getattr(signal, end))
        _, errors = run.communicate(timeout=60)
    finally:
        run.kill()
    if end == "SIGINT":
        assert run.returncode == pytest.ExitCode.INTERRUPTED
        assert "the same command goes on from it" in errors
    kept = _rows(project)
    assert kept in {9, 10}  # the tenth may be on its way
    ended.set()
    server.behave = _speak
    server.calls.clear()
    project.runpytest_inprocess("-p", "no:cacheprovider").assert_outcomes(passed=2)
    assert len(server.drawn) == 2 * 8 * 4 - kept


def test_without_the_client_the_extra_is_named(
    project: pytest.Pytester, server: Scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the client is not installed, the failure says how to install it."""
    hidden = project.mkpydir("httpx2")
    (hidden / "__init__.py").write_text("raise ImportError('hidden', name='httpx2')\n")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(project.path), *sys.path]))
    result = project.runpytest_subprocess("-p", "no:cacheprovider")
    result.assert_outcomes(failed=2)
    result.stdout.fnmatch_lines(["*needs the package 'httpx2'*pytest-diversity[[]openai[]]*"])
    assert server.calls == []


def test_a_configuration_is_checked_without_a_server(
    project: pytest.Pytester, server: Scripted
) -> None:
    """Collecting contacts nothing, and makes no store."""
    server.stop()
    result = project.runpytest_inprocess("-p", "no:cacheprovider", "--collect-only", "-q")
    result.stdout.fnmatch_lines(["*talk*lexical*[[]base[]]", "*talk*lexical*[[]dpo[]]"])
    assert not Path(project.path / ".diversity").exists()
