"""Progress: on a line of its own, and it promises only what is so."""

from __future__ import annotations

import fnmatch
import subprocess
import sys
from pathlib import Path

import pytest

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


@pytest.mark.parametrize("options", [(), ("-q",), ("-n", "1"), ("-v",)], ids=" ".join)
def test_progress_starts_on_a_line_of_its_own(tmp_path: Path, options: tuple[str, ...]) -> None:
    """However the dots are shown, and by whichever process."""
    lines = _output(tmp_path, "pass", *options)
    shown = [line for line in lines if "diversity: m d" in line]
    assert len(shown) >= 2
    assert all(line.startswith("diversity: m d: ") for line in shown)


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
