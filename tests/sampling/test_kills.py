"""Killed anywhere, a run keeps what was finished, and the next one goes on from there."""

from __future__ import annotations

import json
import os
import random
import re
import signal
import sqlite3
import subprocess
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path
from typing import TypeAlias

import pytest

from tests.processes import PYTEST

pytestmark = pytest.mark.long

PROMPTS, SAMPLES = 40, 16
TOTAL = PROMPTS * SAMPLES
CONFIG = """
[checkpoints]
tiny = '{model}'
[defaults]
prompts = "prompts.jsonl"
samples_per_prompt = {samples}
max_tokens = 48
"""
DOMAIN = "[domains.{name}.budget]\nlexical = {{ min = 0.0 }}\n"
PID = """
import os, pathlib
def pytest_configure(config):
    if hasattr(config, "workerinput"):
        pathlib.Path(config.workerinput["workerid"]).write_text(str(os.getpid()))
"""
Texts: TypeAlias = dict[tuple[str, int], str]
Process: TypeAlias = "subprocess.Popen[str]"


class Project:
    """A project whose sampling takes some seconds; its runs are processes of their own."""

    def __init__(self, folder: Path, model: Path, domains: int = 1) -> None:
        """Write its files."""
        self.folder = folder
        lines = [json.dumps({"id": f"p{i}", "prompt": f"say {i} of it"}) for i in range(PROMPTS)]
        (folder / "prompts.jsonl").write_text("\n".join(lines))
        text = CONFIG.format(model=model.as_posix(), samples=SAMPLES)
        text += "".join(DOMAIN.format(name=f"d{i}") for i in range(domains))
        (folder / "diversity.toml").write_text(text)
        (folder / "pytest.ini").write_text("[pytest]\n")

    def start(self, *arguments: str) -> Process:
        """Start a run in a process group of its own."""
        flags = ("-p", "no:cacheprovider", "--diversity-deterministic")
        return subprocess.Popen(  # noqa: S603 - our own command
            [*PYTEST, *flags, *arguments],
            cwd=self.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def finish(self, *arguments: str) -> str:
        """A run that ends well; what it printed."""
        process = self.start(*arguments)
        output, _ = process.communicate()
        assert process.returncode == 0, output
        return output

    def rows(self) -> int:
        """How many samples are kept so far."""
        try:
            return len(self.texts())
        except sqlite3.Error:  # not made yet
            return 0

    def texts(self) -> Texts:
        """Everything in the store, by prompt and number; each of them once."""
        path = self.folder / ".diversity/samples.sqlite"
        with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as connection:
            rows = connection.execute(
                "SELECT detail, number, text FROM sample JOIN draw ON draw.id = sample.draw"
            ).fetchall()
        texts = {(json.loads(detail)["prompt"], number): text for detail, number, text in rows}
        assert len(texts) == len(rows)
        return texts

    def wait(self, process: Process, more_than: int) -> None:
        """Until more than so many samples are kept."""
        while self.rows() <= more_than:
            assert process.poll() is None, process.communicate()[0]
            time.sleep(0.02)


def kill_all(process: Process, _: Path) -> None:
    """`kill -9` to the process and everything it started."""
    os.killpg(process.pid, signal.SIGKILL)


def interrupt(process: Process, _: Path) -> None:
    """Ctrl-C, as a terminal sends it to the whole group."""
    os.killpg(process.pid, signal.SIGINT)


def kill_a_worker(_: Process, folder: Path) -> None:
    """`kill -9` to the worker that draws; the others live."""
    os.kill(int((folder / "gw0").read_text()), signal.SIGKILL)


# How a run is stopped, and with which arguments it was started.
ENDS: Mapping[str, tuple[Callable[[Process, Path], None], tuple[str, ...]]] = {
    "kill -9": (kill_all, ()),
    "Ctrl-C": (interrupt, ()),
    "kill -9 of a worker": (kill_a_worker, ("-n", "1", "--max-worker-restart", "0")),
    "kill -9 of all workers": (kill_all, ("-n", "2")),
}


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory, tiny: Path) -> Texts:
    """What an undisturbed run draws."""
    project = Project(tmp_path_factory.mktemp("undisturbed"), tiny)
    project.finish()
    texts = project.texts()
    assert len(texts) == TOTAL
    return texts


@pytest.mark.parametrize("end", ENDS)
def test_what_was_finished_is_kept(tmp_path: Path, tiny: Path, expected: Texts, end: str) -> None:
    """After two deaths at random moments the third run draws the rest, and nothing twice."""
    stop, arguments = ENDS[end]
    project = Project(tmp_path, tiny)
    (tmp_path / "conftest.py").write_text(PID)
    kept = 0
    for _ in range(2):
        process = project.start(*arguments)
        project.wait(process, more_than=kept)
        time.sleep(random.random() / 5)  # noqa: S311 - any moment will do
        stop(process, tmp_path)
        process.communicate()
        assert project.rows() >= kept
        kept = project.rows()
        if kept == TOTAL:  # it was faster than its death
            break
    assert kept > 0
    output = project.finish()
    drawn = f"{TOTAL - kept} samples drawn, {kept} from the store" if kept < TOTAL else "none drawn"
    assert drawn in output
    assert project.texts() == expected


def drawn_in(output: str) -> int:
    """How many samples a run says it has drawn."""
    found = re.search(r"(\d+) samples drawn", output)
    return int(found[1]) if found else 0


def test_four_workers_draw_nothing_twice(tmp_path: Path, tiny: Path, expected: Texts) -> None:
    """Four workers want the same samples of one checkpoint: one draws, the others read."""
    project = Project(tmp_path, tiny, domains=4)
    output = project.finish("-n", "4")
    assert drawn_in(output) == TOTAL
    assert project.texts() == expected


def test_two_runs_at_once_draw_nothing_twice(tmp_path: Path, tiny: Path, expected: Texts) -> None:
    """Two processes on one store both succeed, and together draw each sample once."""
    project = Project(tmp_path, tiny)
    runs = [project.start() for _ in range(2)]
    outputs = [run.communicate()[0] for run in runs]
    assert [run.returncode for run in runs] == [0, 0], outputs
    assert sum(map(drawn_in, outputs)) == TOTAL
    assert project.texts() == expected
