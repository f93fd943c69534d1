"""The projects whose runs are disturbed, and what there is to see of one."""

from __future__ import annotations

import json
import os
import re
import shutil
import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any, TypeAlias

from tests.faults.runs import fork
from tests.judges.test_reward import save as save_judge
from tests.sampling.conftest import save_model
from tests.sampling.engines.openai.scripted import Call, Reply, complete

__all__ = [
    "BASELINE",
    "ENDS_WELL",
    "EXPORT",
    "JUDGE",
    "MODEL",
    "PARQUET",
    "PROJECTS",
    "RECORD",
    "REPORT",
    "REPORTS",
    "STORE",
    "Key",
    "Project",
    "Shared",
    "drawn",
    "files",
    "judged",
    "kept",
    "said_drawn",
    "speak",
    "telling",
]

STORE = ".diversity/samples.sqlite"
PROMPTS, SAMPLES = 24, 8
MODEL, JUDGE, BASELINE = "models/tiny", "models/judge", "tests/__diversity__/nature.json"
ENDS_WELL = {0, 5}  # there are no tests where a study is asked for
WORDS = ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"]
Key: TypeAlias = tuple[str, int]

# It notes what it draws, beside the project, so that nothing is drawn twice without being seen.
SAMPLER = """
import random
from pathlib import Path
from pytest_diversity import Sample, register_sampler

LOG = Path(__file__).parent.with_suffix(".drawn")
WORDS = "one two three four five six seven eight nine ten".split()

def draw(name, requests):
    for request in requests:
        for number in request.numbers:
            with LOG.open("a") as log:
                log.write(f"{request.text} {number}\\n")
            words = random.Random(f"{request.text} {number}").choices(WORDS, k=12)
            yield Sample(request.prompt, number, " ".join(words))

def pytest_diversity_register_samplers():
    register_sampler("dealt", draw, version="1")
"""
CONFIG = """
[checkpoints.one]
model = "{source}"
{server}

[defaults]
samples_per_prompt = {samples}
max_tokens = 24
{defaults}
[domains.nature]
prompts = "nature.jsonl"

[domains.nature.budget]
lexical = {{ min = 0.0{change} }}
"""


@dataclass(frozen=True, slots=True)
class Shared:
    """What projects are made of that takes a while to make.

    Attributes:
        model: A folder with a small model.
        judge: One with a small reward model.
        server: The address of a server.
    """

    model: Path
    judge: Path
    server: str

    @classmethod
    def made(cls, folder: Path, server: str) -> Shared:
        """Made in `folder`."""
        return cls(save_model(folder / "tiny"), save_judge(folder / "judge"), server)


def speak(call: Call) -> Reply:
    """What the server says: twelve words for what was asked; letters for the probe."""
    if call.probes:
        return complete(call)
    asked = f"{call.body['messages']} {call.body['seed']}"
    return complete(call, " ".join(Random(asked).choices(WORDS, k=12)))  # noqa: S311 - no secret


@dataclass(frozen=True, slots=True)
class Project:
    """How a project is made.

    Attributes:
        source: Of its checkpoint; None for one on the server.
        defaults: Lines of its file.
        runs: Arguments of the runs that it has behind it.
        broken_off: Whether the last third of its store is gone.
    """

    source: str | None = "dealt:one"
    defaults: str = ""
    runs: Sequence[Sequence[str]] = ()
    broken_off: bool = False

    def make(self, folder: Path, shared: Shared) -> None:
        """Write it, and run what it has behind it."""
        lines = [json.dumps({"id": f"p{i}", "prompt": f"say {i} of it"}) for i in range(PROMPTS)]
        (folder / "nature.jsonl").write_text("\n".join(lines))
        config = CONFIG.format(
            source=self.source or f"{shared.server}#m",
            server="" if self.source else HURRIED,
            samples=SAMPLES,
            defaults=self.defaults,
            change=', max_drop = "50%"' if "reference" in self.defaults else "",
        )
        (folder / "diversity.toml").write_text(config)
        (folder / "conftest.py").write_text(SAMPLER)
        (folder / "pytest.ini").write_text("[pytest]\n")
        for model, name in ((MODEL, shared.model), (JUDGE, shared.judge)):
            if model in config:
                shutil.copytree(name, folder / model)
        for arguments in self.runs:
            running = fork(folder, arguments)
            assert running.wait() in ENDS_WELL, running.text()
        if self.broken_off:
            os.truncate(folder / STORE, (folder / STORE).stat().st_size * 2 // 3)


FEWER = "--diversity-samples=4"
RECORD = ("--diversity-record",)
EXPORT = ("--diversity-export=out.jsonl",)
PARQUET = ("--diversity-export=out.parquet",)
TYPES = ("html", "json", "markdown", "csv", "openmetrics")
REPORT = "report."
REPORTS = tuple(f"--diversity-report={name}:{REPORT}{name}" for name in TYPES)
HURRIED = "timeout = 5.0\nretries = 1\n"

# What is asked for was done before with fewer samples, so that there is something to lose.
PROJECTS: Mapping[str, Project] = {
    "new": Project(),
    "new, on a server": Project(None),
    "new, with a model": Project(MODEL),
    "drawn": Project(runs=[()]),
    "drawn with a model": Project(MODEL, runs=[()]),
    "broken off": Project(runs=[()], broken_off=True),
    "recorded": Project(runs=[(), (*RECORD, FEWER)]),
    "exported": Project(runs=[(), (*EXPORT, FEWER), (*PARQUET, FEWER)]),
    "reported": Project(runs=[(), (*REPORTS, FEWER)]),
    "compared": Project(defaults='reference = "baseline"', runs=[RECORD]),
    "judged": Project(defaults=f'quality = "reward:{JUDGE}"', runs=[()]),
}


def kept(folder: Path) -> dict[Key, str] | None:
    """Everything in the store, each of it once; None where it cannot be read."""
    path = folder / STORE
    if not path.exists():
        return {}
    try:
        with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as connection:
            rows = connection.execute(
                "SELECT key, number, text FROM sample JOIN draw ON draw.id = sample.draw"
            ).fetchall()
    except sqlite3.OperationalError as error:
        return {} if "no such table" in str(error) else None
    except sqlite3.DatabaseError:
        return None
    texts = {(key, number): text for key, number, text in rows}
    assert len(texts) == len(rows), "a sample is in the store twice"
    return texts


def drawn(folder: Path) -> list[str]:
    """What was drawn of the sampler, in its order."""
    log = folder.with_suffix(".drawn")
    return log.read_text().splitlines() if log.exists() else []


# What differs from run to run by its nature.
_VARYING = re.compile(
    rb'"time": "[^"]+"'
    rb"|\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d)?(\+00:00| UTC|Z)?"
    rb"|\d+ \w+ \d{4}, \d\d:\d\d"
)


def files(folder: Path) -> dict[str, bytes]:
    """Every file of a project that is not hidden, but for times."""
    names = (path.relative_to(folder) for path in sorted(folder.rglob("*")) if path.is_file())
    return {
        str(name): _VARYING.sub(b"", (folder / name).read_bytes())
        for name in names
        if not any(part.startswith((".", "__pycache__")) for part in name.parts)
    }


def telling(folder: Path) -> str:
    """What makes a run tell its verdicts, beside the project."""
    return f"--diversity-report=json:{folder.with_suffix('.verdicts')}"


def _told(folder: Path) -> dict[str, Any] | None:
    path = folder.with_suffix(".verdicts")
    told: dict[str, Any] | None = json.loads(path.read_text()) if path.exists() else None
    return told


def judged(folder: Path) -> list[Any] | None:
    """The verdicts of the last run, with all their numbers; None where it came to none."""
    told = _told(folder)
    return told["verdicts"] if told else None


def said_drawn(folder: Path) -> int | None:
    """How many samples the last run has drawn, by its own word."""
    told = _told(folder)
    return sum(one["drawn"] for one in told["drawings"]) if told else None
