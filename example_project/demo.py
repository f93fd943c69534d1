"""`make demo`: one model and six real fine-tunes of it, gated domain by domain.

It is what a CI job would run: pytest on this folder. The samples were drawn beforehand and are
shipped in `samples/`; with `--fresh` they are drawn from the adapters. Good fine-tunes are expected
to pass, bad ones to fail in the domains that they harm; the demo succeeds when just that happens.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import webbrowser
from collections import defaultdict
from pathlib import Path
from xml.etree import ElementTree as ET

FOLDER = Path(__file__).parent
PAGE = FOLDER / "diversity.html"
# In which domains each checkpoint breaks a budget, and in which test module it fails.
EXPECTED: dict[str, set[str]] = {
    "base": set(),
    "sft-own": set(),
    "grpo-sums": set(),
    "dpo-canonical": set(),
    "dpo-varied": {"code"},
    "dpo-runnable": {"code"},
    "sft-collapsed": {"code", "creative_writing", "test_diversity"},
}


def recordings() -> list[str]:
    """Options that put the shipped samples in the place of models."""
    files = sorted((FOLDER / "samples").glob("*.jsonl"))
    return [f"--diversity-checkpoint={file.stem}=replay:samples/{file.name}" for file in files]


def run(options: list[str]) -> tuple[int, dict[str, list[str]]]:
    """Run pytest; its exit code, and the headlines of failed tests by `checkpoint domain`."""
    print("$ pytest example_project", *options[:1], "..." if options else "", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        junit = Path(folder, "junit.xml")
        command = [sys.executable, "-m", "pytest", str(FOLDER), f"--junit-xml={junit}", *options]
        command.append(f"--diversity-report=html:{PAGE}")
        code = subprocess.run(command, check=False).returncode
        found: dict[str, list[str]] = defaultdict(list)
        for case in ET.parse(junit).iter("testcase") if junit.exists() else ():
            for failure in case.iter("failure"):
                checkpoint = str(case.get("name")).partition("[")[2].rstrip("]")
                domain = str(case.get("classname")).rpartition(".")[2]
                found[f"{checkpoint} {domain}"].append(str(failure.get("message")))
        return code, found


def show(page: Path) -> None:
    """Open the page where somebody sits at a screen."""
    screen = sys.platform in {"darwin", "win32"} or {"DISPLAY", "WAYLAND_DISPLAY"} & {*os.environ}
    if screen and sys.stdout.isatty():
        webbrowser.open(page.as_uri())


def main() -> int:
    """Gate all checkpoints; 0 if each ended as expected."""
    fresh = "--fresh" in sys.argv[1:]
    if fresh:
        print("demo: samples are drawn from the adapters")
    else:
        print(f"demo: shipped samples are used, of {FOLDER.name}/samples; `make demo-fresh` draws")
    code, failures = run([] if fresh else recordings())
    broken: dict[str, set[str]] = defaultdict(set)
    for place in failures:
        checkpoint, domain = place.split()
        broken[checkpoint].add(domain)
    expected = code in {0, 1} and broken == {
        name: wrong for name, wrong in EXPECTED.items() if wrong
    }
    print()
    for name in EXPECTED:
        print(f"demo: {name}", "failed:" if broken[name] else "passed")
        for domain in sorted(broken[name]):
            print(*(f"  {line}" for line in failures[f"{name} {domain}"]), sep="\n")
    print(f"demo: the page to look at is {FOLDER.name}/{PAGE.name}")
    show(PAGE)
    print("demo: as expected" if expected else "demo: NOT as expected")
    return 0 if expected else 1


if __name__ == "__main__":
    sys.exit(main())
