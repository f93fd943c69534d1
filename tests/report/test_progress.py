"""Progress: on a line of its own, and it promises only what is so."""

from __future__ import annotations

import fnmatch
import io
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from pytest_diversity.progress import EMBEDDING, EXECUTING, JUDGING, Work
from pytest_diversity.report.progress import Console, DrawingProgress

CONFIG = """
[checkpoints]
m = "dice:6"
[domains.d]
prompts = "prompts.jsonl"
samples_per_prompt = 2
"""
CONFTEST = """
from pytest_diversity import Sample, register_sampler

def draw(sides, requests):
    for request in requests:
        for number in request.numbers:
            {before}
            yield Sample(request.prompt, number, f"{request.prompt} {number}")

def pytest_diversity_register_samplers():
    register_sampler("dice", draw, version="1")
"""
TESTS = """
def test_one(): ...
def test_two(): ...
def test_three(samples): samples("d")
"""


def _output(folder: Path, before: str, *options: str) -> list[str]:
    """What a terminal shows of a run, both streams as one."""
    prompts = "".join(f'{{"id": "p{i}", "prompt": "throw {i}"}}\n' for i in range(2))
    (folder / "prompts.jsonl").write_text(prompts)
    (folder / "diversity.toml").write_text(CONFIG)
    (folder / "conftest.py").write_text(CONFTEST.replace("{before}", before))
    (folder / "test_it.py").write_text(TESTS)
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *options]
    done = subprocess.run(  # noqa: S603 - of our own making
        command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False
    )
    return done.stdout.decode().splitlines()


@pytest.mark.parametrize(
    "options", [(), pytest.param(("-n", "1"), marks=pytest.mark.long), ("-v",)], ids=" ".join
)
def test_progress_starts_on_a_line_of_its_own(tmp_path: Path, options: tuple[str, ...]) -> None:
    """However the dots are shown, and by whichever process."""
    lines = _output(tmp_path, "pass", *options)
    shown = [line for line in lines if "diversity: m d" in line]
    assert len(shown) >= 2
    assert all(line.startswith("diversity: m d: ") for line in shown)


@pytest.mark.parametrize(
    "options", [("-q",), pytest.param(("-q", "-n", "2"), marks=pytest.mark.long)], ids=" ".join
)
def test_a_quiet_run_shows_no_progress(tmp_path: Path, options: tuple[str, ...]) -> None:
    """Neither of the process that prints nor of workers."""
    assert not [line for line in _output(tmp_path, "pass", *options) if "diversity: m d" in line]


STOPPED = {
    "before a sample was finished": (
        "raise ValueError",
        "diversity: m d: stopped; no sample was finished",
    ),
    "after a sample was finished": (
        "if number: raise ValueError",
        "diversity: m d: stopped; what was finished is kept (1 sample), and the same command *",
    ),
}


@pytest.mark.parametrize("case", STOPPED)
def test_what_is_left_of_a_drawing_that_stopped(tmp_path: Path, case: str) -> None:
    """There is something to go on from only where something was kept."""
    before, line = STOPPED[case]
    assert fnmatch.filter(_output(tmp_path, before), line)


class Terminal(io.StringIO):
    """A stream that says that it is a terminal."""

    def isatty(self) -> bool:
        """It is one."""
        return True


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Sets the time that progress sees."""
    now = [0.0]
    monkeypatch.setattr("pytest_diversity.report.progress.time.monotonic", lambda: now[0])
    return lambda to: now.__setitem__(0, to)


WORKS = {
    "embedding": (EMBEDDING, "embedding 100 texts", "50 of 100 texts"),
    "executing": (EXECUTING, "running 100 programs", "50 of 100 programs"),
    "judging": (JUDGING, "judging 100 answers", "50 of 100 answers"),
}


@pytest.mark.parametrize("case", WORKS)
def test_long_work_is_shown_with_the_time_that_is_left(
    case: str, clock: Callable[[float], None], capsys: pytest.CaptureFixture[str]
) -> None:
    """What, how far, and how long yet, in plain lines where there is no terminal."""
    work, begun, half = WORKS[case]
    with DrawingProgress("m d", 100, Console(), work) as progress:
        for seconds in (5, 10, 20):
            clock(seconds)
            progress.advance(25, 0)
        clock(30)
        progress.advance(25, 0)
    done = half.replace("50", "100")
    assert capsys.readouterr().err.splitlines() == [
        f"m d: {begun}",
        f"m d: {half}, 10 s left",
        f"m d: {half.replace('50', '75')}, 7 s left",
        f"m d: {done}",
        f"m d: {done} in 30 s",
    ]


@pytest.mark.parametrize("work", [EMBEDDING, EXECUTING, JUDGING], ids=lambda work: work.verb)
def test_short_work_is_not_shown(
    work: Work, clock: Callable[[float], None], capsys: pytest.CaptureFixture[str]
) -> None:
    """A line for each handful of texts would bury what matters."""
    with DrawingProgress("m d", 2, Console(), work) as progress:
        clock(1)
        progress.advance(1, 0)
        clock(60)
        progress.advance(1, 0)
    assert capsys.readouterr().err == ""


BARS = {
    "on a terminal": (Console(), True),
    "in CI": (Console(bars=False), False),
    "of a worker": (Console(plain=True), False),
}


@pytest.mark.parametrize("case", BARS)
def test_a_bar_is_for_a_terminal_alone(case: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Elsewhere are whole lines, without a carriage return."""
    console, bar = BARS[case]
    stream = Terminal()
    monkeypatch.setattr(sys, "stderr", stream)
    with DrawingProgress("m d", 4, console) as progress:
        progress.begin()
        progress.advance(2, 10)
    assert ("\r" in stream.getvalue()) is bar
    assert "m d: 2 of 4 samples" in stream.getvalue()


def test_a_terminal_of_a_ci_gets_lines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """CI=true says that nobody watches, whatever the stream is."""
    monkeypatch.setenv("CI", "true")
    lines = _output(tmp_path, "pass")
    assert "diversity: m d: drawing 4 samples" in lines
    assert not [line for line in lines if "\r" in line]
