"""Engines are found by one table, and a run imports the room of none that it does not use."""

from __future__ import annotations

import subprocess
import sys
from contextlib import closing
from importlib import import_module
from pathlib import Path

import pytest

from pytest_diversity.config.options import Options
from pytest_diversity.config.values import Checkpoint, Config, Domain
from pytest_diversity.errors import ConfigError
from pytest_diversity.sampling import engines
from pytest_diversity.validation import validate
from tests.workspaces import workspace_of

ROOMS = [f"pytest_diversity.sampling.engines.{name}" for name in ("openai", "ray", "vllm")]
UNUSED = [*ROOMS, "pytest_diversity.sampling.engines.transformers", "pytest_diversity.cluster.ray"]
HEAVY = ["ray", "vllm", "httpx2", "torch", "transformers"]

CONFIG = """
[checkpoints]
a = "{source}"
[domains.d]
prompts = "prompts.jsonl"
samples_per_prompt = 2
[domains.d.budget]
lexical = {{ min = 0.1 }}
"""
SAMPLE = '{{"prompt": "p{0}", "index": {1}, "text": "{0} is followed by {1}"}}'
RUN = """
import sys, pytest
status = pytest.main(["-q", "-p", "no:cacheprovider"])
found = {{name for name in {unwanted!r} if name in sys.modules}}
sys.exit(f"status {{status}}, imported {{sorted(found)}}" if status or found else 0)
"""
REGISTERED = """
from pytest_diversity import Sample, register_sampler

def draw(name, requests):
    return [Sample(r.prompt, n, f"{n} is what I say") for r in requests for n in r.numbers]

def pytest_diversity_register_samplers():
    register_sampler("mine", draw, version="1")
"""


@pytest.mark.parametrize("source", ["replay:samples.jsonl", "mine:x"], ids=["replayed", "called"])
def test_a_run_imports_no_engine_that_it_does_not_use(tmp_path: Path, source: str) -> None:
    """No Ray, vLLM, HTTP client or torch, and not our own rooms for them either."""
    (tmp_path / "diversity.toml").write_text(CONFIG.format(source=source))
    (tmp_path / "conftest.py").write_text(REGISTERED)
    prompts = [f'{{"id": "p{i}", "prompt": "say {i}"}}' for i in range(6)]
    (tmp_path / "prompts.jsonl").write_text("\n".join(prompts))
    samples = [SAMPLE.format(i, n) for i in range(6) for n in range(2)]
    (tmp_path / "samples.jsonl").write_text("\n".join(samples))
    done = subprocess.run(  # noqa: S603 - ours
        [sys.executable, "-c", RUN.format(unwanted=[*UNUSED, *HEAVY])],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("place", [*engines.ENGINES.values(), *engines._BY_SOURCE.values()])
def test_every_row_of_the_table_is_a_room_with_a_function(place: str) -> None:
    """The room can be imported where nothing that it needs is installed."""
    assert callable(import_module(f"{engines.__name__}.{place}").find)


def test_an_engine_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    """One sentence, with where it was said, before anything is looked for or made."""
    options = Options(engine="vlm", store=tmp_path / "s", origins={"engine": "command line"})
    session = workspace_of(Config(), options, tmp_path)
    with pytest.raises(
        ConfigError, match=r"^unknown engine 'vlm' \(command line\); did you mean 'vllm'\?$"
    ):
        validate(session)
    assert not list(tmp_path.iterdir())


ECHO = """
from types import SimpleNamespace
from pytest_diversity.samples import Sample
from pytest_diversity.sampling.protocol import Identity

def find(checkpoint, setup):
    return SimpleNamespace(
        identity=Identity(checkpoint.source, None, "echo/1", "cpu", "none", ""),
        place=None,
        shared=False,
        load=lambda progress: SimpleNamespace(sample=sample, close=lambda: None),
    )

def sample(requests, progress):
    return (Sample(r.prompt, n, f"{r.text} {n}") for r in requests for n in r.numbers)
"""


def test_an_engine_is_a_room_and_a_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing else is touched to draw with another one, and to keep its samples."""
    (tmp_path / "echo.py").write_text(ECHO)
    (tmp_path / "weights").mkdir()
    monkeypatch.setattr(engines, "__path__", [*engines.__path__, str(tmp_path)])
    monkeypatch.setitem(engines.ENGINES, "echo", "echo")
    (tmp_path / "prompts.jsonl").write_text('{"id": "p", "prompt": "say"}')
    domain = Domain("d", prompts="prompts.jsonl", samples_per_prompt=2, root=tmp_path)
    config = Config(checkpoints={"m": Checkpoint("m", "weights")}, domains={"d": domain})
    options = Options(engine="echo", store=tmp_path / "store.sqlite")
    with closing(workspace_of(config, options, tmp_path)) as session:
        texts = [sample.text for sample in session.samples("m", "d")["p"]]
    assert texts == ["say 0", "say 1"]
