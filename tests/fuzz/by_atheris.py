"""One target, guided by which lines of ours an input reaches: `python -m ... NAME SECONDS`."""

from __future__ import annotations

import sys
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["pytest_diversity"]):
    from tests.fuzz.targets import TARGETS

from tests.fuzz.tested import tested

if __name__ == "__main__":
    name, seconds = sys.argv[1:]
    corpus = Path(".fuzz", "atheris", name)
    corpus.mkdir(parents=True, exist_ok=True)
    flags = [f"-max_total_time={seconds.split('.')[0]}", "-timeout=20", "-max_len=8192"]
    found = [f"-artifact_prefix={corpus.parent}/{name.replace(' ', '-')}-", "-print_final_stats=1"]
    test = tested(TARGETS[name], 100).hypothesis  # type: ignore[attr-defined] # added by @given
    atheris.Setup([sys.argv[0], str(corpus), *flags, *found], test.fuzz_one_input)
    atheris.Fuzz()
