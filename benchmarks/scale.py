"""How processor time and memory grow with the samples: by stage, and of a whole run of pytest.

    python -m benchmarks.scale [--prompts 50 100 200] [--embedded 2 4 8] [--checkpoints 2 4 8]

Stages are of one checkpoint in one domain with 64 samples of each prompt, in this process: time by
the processor's clock, peak memory in a second pass by tracemalloc, which slows what it watches. The
whole run is `pytest -n 2` with a report, and its memory the sum over the three processes. An
exponent is the slope of a straight line through the logarithms: 1 is linear.

    python -m benchmarks.scale --whole 20 5 200 64

runs pytest once on so many checkpoints, domains, prompts and samples.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
import tracemalloc
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import psutil

from benchmarks.scale_project import Project
from pytest_diversity.config.file import load_config
from pytest_diversity.config.options import Options
from pytest_diversity.estimate import estimate
from pytest_diversity.features import Features
from pytest_diversity.features.parts_of_speech import parts_of_speech
from pytest_diversity.features.windows import controlled
from pytest_diversity.metrics import parse
from pytest_diversity.report.progress import Console
from pytest_diversity.session import Session
from pytest_diversity.workspace import Workspace

_SAMPLES = 64  # of each prompt
_PROSE, _CODE = "d0", "d4"
_MB = 1e6


class Cost(NamedTuple):
    """What a stage takes of so many samples: seconds of the processor, and MB at most."""

    samples: int
    seconds: float
    peak: float


Stage = tuple[str, Callable[[], object]]


class _Domain:
    """What is measured of `c1` in one domain, and of it beside `c0`."""

    def __init__(self, workspace: Workspace, name: str) -> None:
        self._workspace = workspace
        self._name = name

    def features(self, checkpoint: str = "c1") -> Features:
        return self._workspace.features(checkpoint, self._name)

    def feature(self, name: str) -> Callable[[], object]:
        return lambda: self.features()[name]

    def value(self, metric: str) -> Callable[[], object]:
        return lambda: estimate(self.features(), parse(metric))

    def compared(self, metric: str) -> Callable[[], object]:
        after, before = self.features(), self.features("c0")
        chosen = parse(metric)
        return lambda: [
            estimate(controlled(one, chosen, "windows", other), chosen)
            for one, other in ((after, before), (before, after))
        ]


def stages(folder: Path, *, embedded: bool) -> Iterator[Stage]:
    """The stages from a recording to a value, in order; each finds done what it rests on."""
    config = load_config(folder / "diversity.toml")
    options = Options(store=folder / ".diversity" / "samples.sqlite")
    workspace = Session(config, options, folder, lambda: Console(quiet=True)).workspace
    prose = _Domain(workspace, _PROSE)
    yield "a recording read", prose.features
    if embedded:
        yield from _of_embedded(prose)
    else:
        yield from _of_prose(prose)
        yield from _of_code(_Domain(workspace, _CODE))


def _of_embedded(prose: _Domain) -> Iterator[Stage]:
    yield "prose: embeddings", prose.feature("embeddings")
    yield "prose: semantic", prose.value("embedding_distance()")
    yield "prose: effective", prose.value("effective_pairs()")


def _of_prose(prose: _Domain) -> Iterator[Stage]:
    yield "prose: words", prose.feature("tokens")
    yield "prose: parts of speech", prose.feature("tags")
    yield "prose: lexical", prose.value("pair_distinct(n=4)")
    yield "prose: syntactic", prose.value("pair_pos_distinct(n=4)")
    yield "prose: quality", prose.value("validity()")
    _ = prose.features("c0")["tags"]
    yield "prose: lexical against c0", prose.compared("pair_distinct(n=4)")
    yield "prose: syntactic against c0", prose.compared("pair_pos_distinct(n=4)")


def _of_code(code: _Domain) -> Iterator[Stage]:
    _ = code.features(), code.features("c0")["trees"]
    yield "code: parsed", code.feature("syntax")
    yield "code: lexical", code.value("pair_distinct(n=4)")
    yield "code: syntactic", code.value("pair_subtree(height=4)")
    yield "code: quality", code.value("validity()")
    yield "code: lexical against c0", code.compared("pair_distinct(n=4)")
    yield "code: syntactic against c0", code.compared("pair_subtree(height=4)")


def costs(folder: Path, project: Project, *, embedded: bool) -> dict[str, Cost]:
    """What each stage takes, of one checkpoint in one domain; to read, in all of its domains."""
    seconds, peaks = {}, {}
    for name, run in stages(folder, embedded=embedded):
        started = time.process_time()
        run()
        seconds[name] = time.process_time() - started
    tracemalloc.start()
    for name, run in stages(folder, embedded=embedded):
        tracemalloc.reset_peak()
        before, _ = tracemalloc.get_traced_memory()
        run()
        peaks[name] = tracemalloc.get_traced_memory()[1] - before
    tracemalloc.stop()
    one = project.prompts * project.samples
    read = one * project.domains
    return {
        name: Cost(read if "read" in name else one, seconds[name], peaks[name] / _MB)
        for name in seconds
    }


def whole(folder: Path, project: Project) -> tuple[Cost, float]:
    """What a run of pytest with two workers takes, and how long."""
    command = [sys.executable, "-m", "pytest", "-q", "-n2", "-p", "no:cacheprovider"]
    command += ["--diversity-report", f"html:{folder / 'report.html'}"]
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    with (folder / "out.txt").open("wb") as said:
        run = subprocess.Popen(command, cwd=folder, env=environment, stdout=said)  # noqa: S603 - our own
        peak = 0
        while run.poll() is None:
            peak = max(peak, _resident(run.pid))
            time.sleep(0.1)
    if run.returncode:
        sys.exit((folder / "out.txt").read_text(encoding="utf-8"))
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds = used.ru_utime + used.ru_stime - before.ru_utime - before.ru_stime
    return Cost(project.total, seconds, peak / _MB), time.perf_counter() - started


def _resident(pid: int) -> int:
    """Bytes of a process and its children, together."""
    found = 0
    try:
        process = psutil.Process(pid)
        for one in (process, *process.children(recursive=True)):
            found += one.memory_info().rss
    except psutil.NoSuchProcess:  # one has just ended
        pass
    return found


def _row(name: str, found: Sequence[Cost]) -> str:
    largest = found[-1]
    each = largest.seconds / largest.samples * 1e6
    cells = (
        f"{name:<28}",
        f"{largest.samples:>9,}",
        f"{largest.seconds:>8.2f} s",
        f"{each:>7.0f} us",
        f"{largest.peak:>6.0f} MB",
        *(f"{_exponent(found, column):>6}" for column in ("seconds", "peak")),
    )
    return " | ".join(cells)


def _exponent(found: Sequence[Cost], column: str) -> str:
    """By how much the logarithm of a cost grows with that of the samples; nothing of one size."""
    if len({one.samples for one in found}) < 2:
        return "-"
    sizes, values = ([getattr(one, name) for one in found] for name in ("samples", column))
    return f"{np.polyfit(np.log(sizes), np.log(np.maximum(values, 1e-9)), 1)[0]:.2f}"


def _head(title: str) -> None:
    columns = ("samples", "processor", "a sample", "peak", "time^", "memory^")
    print(f"\n{title:<28} | {' | '.join(columns)}", flush=True)


def _stages(prompts: Sequence[int], *, embedded: bool) -> None:
    found: dict[str, list[Cost]] = {}
    parts_of_speech(("a",))  # its model is loaded once
    for count in prompts:
        with tempfile.TemporaryDirectory() as folder:
            project = Project(2, 1 if embedded else 5, count, _SAMPLES)
            project.write(Path(folder))
            for name, cost in costs(Path(folder), project, embedded=embedded).items():
                found.setdefault(name, []).append(cost)
    for name, of in found.items():
        print(_row(name, of), flush=True)


def _whole(projects: Sequence[Project]) -> None:
    found = []
    for project in projects:
        with tempfile.TemporaryDirectory() as folder:
            project.write(Path(folder))
            cost, wall = whole(Path(folder), project)
            found.append(cost)
            page = (Path(folder) / "report.html").stat().st_size / _MB
            load = os.getloadavg()[0]
            print(_row(f"{project.checkpoints} checkpoints", found), end=" | ")
            print(f"{wall:.0f} s by the clock, load {load:.1f}, page {page:.1f} MB", flush=True)


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--prompts", type=int, nargs="+", default=[50, 100, 200])
    parser.add_argument("--embedded", type=int, nargs="*", default=[2, 4, 8])
    parser.add_argument("--checkpoints", type=int, nargs="+", default=[2, 4, 8])
    parser.add_argument("--whole", type=int, nargs=4)
    asked = parser.parse_args()
    if asked.whole:
        _head("pytest -n 2")
        _whole([Project(*asked.whole)])
        return
    _head("stage")
    _stages(asked.prompts, embedded=False)
    _head("stage, embedded")
    _stages(asked.embedded, embedded=True)
    _head("pytest -n 2")
    _whole([Project(count, 5, 50, _SAMPLES) for count in asked.checkpoints])


if __name__ == "__main__":
    main()
