"""Sampling on a Ray cluster: the embedded engine's samples, whatever dies on the way."""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pytest
from transformers import LlamaConfig, LlamaForCausalLM

from pytest_diversity.config.options import Options
from pytest_diversity.config.values import Checkpoint, Config, Domain, Generation
from pytest_diversity.errors import DiversityError
from pytest_diversity.sampling.engines.ray import RayModel
from pytest_diversity.sampling.engines.ray.engine import split
from pytest_diversity.sampling.protocol import Request
from pytest_diversity.workspace import Workspace
from tests.cluster.conftest import remove_a_node
from tests.sampling.conftest import Said, build_tokenizer
from tests.workspaces import workspace_of

ray = pytest.importorskip("ray")

PROMPTS, SAMPLES = 30, 16
TOTAL = PROMPTS * SAMPLES


def requests(*counts: int) -> list[Request]:
    """Requests for so many samples of each prompt."""
    return [
        Request(f"p{i}", "", tuple(range(count)), Generation()) for i, count in enumerate(counts)
    ]


SPLITS: Mapping[str, tuple[tuple[int, ...], int, list[list[int]]]] = {
    "what fits stays together": ((3, 3), 6, [[3, 3]]),
    "a task is full": ((4, 4), 4, [[4], [4]]),
    "a prompt is cut": ((5, 1), 4, [[4], [1, 1]]),
    "a prompt over three tasks": ((9,), 4, [[4], [4], [1]]),
    "nothing": ((), 4, []),
}


@pytest.mark.parametrize("case", SPLITS)
def test_tasks_hold_every_sample_once(case: str) -> None:
    """Tasks are as large as they may be, and in order."""
    counts, size, expected = SPLITS[case]
    tasks = split(requests(*counts), size)
    assert [[len(one.numbers) for one in task] for task in tasks] == expected
    found = [(one.prompt, n) for task in tasks for one in task for n in one.numbers]
    assert found == [(one.prompt, n) for one in requests(*counts) for n in one.numbers]


class Project:
    """Prompts and a tiny model; sessions on them with any engine."""

    def __init__(self, folder: Path) -> None:
        """Write the files."""
        self.folder = folder
        lines = [json.dumps({"id": f"p{i}", "prompt": f"say {i} of it"}) for i in range(PROMPTS)]
        (folder / "prompts.jsonl").write_text("\n".join(lines))
        tokenizer = build_tokenizer()
        config = LlamaConfig(
            hidden_size=32,
            intermediate_size=64,
            num_hidden_layers=2,
            num_attention_heads=2,
            vocab_size=len(tokenizer),
            eos_token_id=tokenizer.eos_token_id,
            initializer_range=0.3,
        )
        LlamaForCausalLM(config).save_pretrained(folder / "model")
        tokenizer.save_pretrained(folder / "model")

    def session(self, store: str, **options: Any) -> Workspace:
        """A session that keeps its samples in `store`."""
        domain = Domain(
            "d",
            prompts="prompts.jsonl",
            samples_per_prompt=SAMPLES,
            generation=Generation(max_tokens=32),
            root=self.folder,
        )
        config = Config(
            checkpoints={"m": Checkpoint("m", "model")}, domains={"d": domain}, selected=("m",)
        )
        settings = Options(
            **{"device": "cpu", "dtype": "float32", "store": self.folder / store, **options}
        )
        return workspace_of(config, settings, self.folder, quiet=False)

    def draw(self, store: str, **options: Any) -> dict[str, list[str]]:
        """The texts by prompt."""
        with closing(self.session(store, **options)) as session:
            samples = session.samples("m", "d")
            return {p: [one.text for one in group] for p, group in samples.items()}

    def kept(self, store: str) -> int:
        """How many samples are in `store` by now."""
        with closing(self.session(store)) as session:
            rows = session.resources.store.rows("SELECT COUNT(*) FROM sample")
            return int(rows[0][0])


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The project of all tests."""
    return Project(tmp_path_factory.mktemp("ray"))


@pytest.fixture(scope="module")
def expected(project: Project) -> dict[str, list[str]]:
    """What the embedded engine draws."""
    return project.draw("embedded.sqlite")


@pytest.mark.long
@pytest.mark.parametrize("cluster", [2, 3], indirect=True, ids=["two nodes", "three nodes"])
def test_the_samples_are_those_of_the_embedded_engine(
    project: Project, expected: dict[str, list[str]], cluster: Any, tmp_path: Path
) -> None:
    """In float32 each text is the same, and a run on either engine serves the other."""
    store = f"{tmp_path.name}.sqlite"
    found = project.draw(store, engine="ray", ray_address=cluster.address)
    assert found == expected
    ray.shutdown()
    assert project.draw(store) == expected  # from the store, whose keys are the same


def kill_an_actor(_: Any) -> None:
    """kill -9 of the process of one of the actors."""
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # others end while they are looked at
            if (process / "cmdline").read_bytes().startswith(b"ray::Actor"):
                os.kill(int(process.name), signal.SIGKILL)
                return
    raise AssertionError


DEATHS: Mapping[str, Callable[[Any], None]] = {
    "a node is removed": remove_a_node,
    "an actor is killed": kill_an_actor,
}


@pytest.mark.long
@pytest.mark.parametrize("cluster", [2], indirect=True, ids=["two nodes"])
@pytest.mark.parametrize("case", DEATHS)
def test_what_dies_takes_only_its_work(
    project: Project,
    expected: dict[str, list[str]],
    cluster: Any,
    capfd: pytest.CaptureFixture[str],
    case: str,
) -> None:
    """Midway, with one actor a node: the other draws the rest, and nothing is missing."""
    store = f"{case}.sqlite"
    when_begun(project, store, lambda: DEATHS[case](cluster))
    found = project.draw(store, engine="ray", ray_address=cluster.address)
    assert found == expected
    assert "an actor of the Ray cluster died: its samples go to another" in capfd.readouterr().err


def when_begun(project: Project, store: str, action: Callable[[], None]) -> None:
    """Do something as soon as some samples are kept, and not all."""

    def wait() -> None:
        while not project.kept(store):
            time.sleep(0.02)
        action()

    threading.Thread(target=wait, daemon=True).start()


@pytest.mark.long
@pytest.mark.parametrize("cluster", [2], indirect=True, ids=["two nodes"])
def test_nodes_that_lack_the_files_are_one_sentence(
    project: Project, cluster: Any, tmp_path: Path
) -> None:
    """An actor's error is the driver's, with the file's name, and no traceback."""
    session = project.session(f"{tmp_path.name}.sqlite", engine="ray", ray_address=cluster.address)
    with closing(session):
        model = session.resources.sampler._find(session.config.checkpoints["m"])
        assert isinstance(model, RayModel)
        hidden = project.folder / "model"
        hidden.rename(project.folder / "hidden")
        try:
            with (
                closing(model.load(Said())) as engine,
                pytest.raises(
                    DiversityError, match="checkpoint 'model' is neither a directory here nor found"
                ),
            ):
                list(engine.sample(requests(2), Said()))
        finally:
            (project.folder / "hidden").rename(hidden)


@pytest.mark.long
def test_a_cluster_that_is_not_there_is_one_sentence(project: Project) -> None:
    """The address is named, and what to do."""
    with pytest.raises(DiversityError, match=r"127.0.0.1:1 cannot be reached"):
        project.draw("none.sqlite", engine="ray", ray_address="127.0.0.1:1")


@pytest.mark.long
def test_a_run_of_its_own_cluster(project: Project, pytester: pytest.Pytester) -> None:
    """Without an address a cluster of this machine serves the run."""
    text = (
        f"[checkpoints]\nm = '{project.folder / 'model'}'\n[domains.d]\nmax_tokens = 8\n"
        f"prompts = '{project.folder / 'prompts.jsonl'}'\nsamples_per_prompt = 4\n"
        "[domains.d.budget]\nlexical = { min = 0.0 }\nquality = { min = 0.0 }\n"
    )
    (pytester.path / "diversity.toml").write_text(text)
    options = ("--diversity-engine", "ray", "--diversity-actors", "2")
    result = pytester.runpytest_subprocess("-p", "no:cacheprovider", *options)
    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines([f"{PROMPTS * 4} samples drawn, *"])
    again = pytester.runpytest_subprocess("-p", "no:cacheprovider", "--diversity-engine", "ray")
    again.assert_outcomes(passed=2)
    again.stdout.fnmatch_lines(["*from the store, none drawn*"])
