"""Programs and metrics on a Ray cluster: the same outcomes and values, whatever dies on the way."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pytest_diversity.cluster.ray import Cluster
from pytest_diversity.config.options import Options
from pytest_diversity.config.values import BUILTIN_DOMAINS, Checkpoint, Config
from pytest_diversity.domains.build import features_of
from pytest_diversity.errors import ClusterError, ConfigError, DiversityError
from pytest_diversity.estimate import estimate
from pytest_diversity.metrics import definitions, parse
from pytest_diversity.samples import SampleSet
from pytest_diversity.sandbox import Limits, Program, Sandbox, SandboxUnavailable
from pytest_diversity.sandbox.nodes import Sandboxes
from tests.workspaces import workspace_of

from .conftest import remove_a_node

pytest.importorskip("ray")
pytestmark = [
    pytest.mark.long,
    pytest.mark.parametrize("cluster", [2], indirect=True, ids=["two nodes"]),
]

HOSTILE = """
import os, pathlib
def f(x):
    pathlib.Path("{path}").write_text("was here")
    os.kill(os.getppid(), 9)
"""


def program(number: int) -> Program:
    """One that does something of its own."""
    return Program(f"def f(x):\n    return [x, {number % 50}]", "f", ([number],))


@pytest.fixture
def spread(cluster: Any) -> Iterator[Cluster]:
    """The cluster, to spread work over."""
    with closing(Cluster(cluster.address)) as one:
        yield one


def test_programs_do_what_they_do_here(spread: Cluster, tmp_path: Path) -> None:
    """Endless and hostile ones among them; nothing leaves the sandbox of a node."""
    path = tmp_path / "made.txt"
    odd = [
        Program("def f(x):\n    while True: pass", "f", ([1],)),
        Program(HOSTILE.format(path=path), "f", ([1],)),
        Program("def f(x):\n    return 1 / 0", "f", ([1],)),
        Program("def f(x:", "f", ([1],)),
        Program(
            "def f(x):\n    return x", "f", ([1],), check="def check(g):\n    assert g(1) == 1"
        ),
    ]
    programs = [*map(program, range(300)), *odd]
    with Sandbox() as sandbox:
        expected = list(sandbox.run(programs))
    assert list(Sandboxes(Sandbox(), spread).run(programs)) == expected
    assert not path.exists()


def test_a_node_that_goes_takes_only_its_work(spread: Cluster, cluster: Any) -> None:
    """One of two nodes is removed midway: what it had in hand is done by the other."""
    programs = [*map(program, range(600))]
    found = Sandboxes(Sandbox(), spread).run(programs)
    executions = [next(found)]
    remove_a_node(cluster)
    executions += found
    with Sandbox() as sandbox:
        assert executions == list(sandbox.run(programs))


def test_a_node_with_another_sandbox_runs_nothing(spread: Cluster, tmp_path: Path) -> None:
    """Its outcomes would be remembered under the key of this one."""
    here = Sandbox(limits=Limits(cpu=1.5))
    path = tmp_path / "made.txt"
    programs = [Program(HOSTILE.format(path=path), "f", ([i],)) for i in range(300)]
    with pytest.raises(SandboxUnavailable, match=r"another sandbox: .*cpu=2.0.*, not .*cpu=1.5"):
        list(Sandboxes(here, spread).run(programs))
    assert not path.exists()


def fail(error: Callable[[], BaseException]) -> Callable[[Sequence[int]], Sequence[int]]:
    """Work that raises."""

    def work(_: Sequence[int]) -> Sequence[int]:
        raise error()

    return work


FAILURES: Mapping[str, tuple[Any, type[DiversityError], str]] = {
    "an error of ours": (
        fail(lambda: ConfigError("no such thing", fix="name another")),
        ConfigError,
        "^no such thing; name another$",
    ),
    "a mistake": (
        fail(lambda: ZeroDivisionError("division by zero")),
        ClusterError,
        "^a task of the Ray cluster failed: division by zero; install the same versions",
    ),
    "the end of the process": (
        lambda _: os._exit(1),
        ClusterError,
        "^processes of the Ray cluster died again and again: .*ray status, ray logs$",
    ),
}


def test_what_fails_there_is_one_sentence_here(spread: Cluster) -> None:
    """And the cluster is still of use afterwards, item by item and in order."""
    for work, kind, sentence in FAILURES.values():
        with pytest.raises(kind, match=sentence):
            list(spread(work, range(40), 4))
    assert list(spread(lambda items: [i * i for i in items], range(40), 3)) == [
        i * i for i in range(40)
    ]


def texts(prompt: int, count: int) -> list[str]:
    """Programs that share some of their parts."""
    return [
        f"def f(xs):\n    total = {i % 7}\n    for x in xs[{prompt}:]:\n"
        f"        total += x * {i % 5}\n    return total + {i % 3}"
        for i in range(count)
    ]


@pytest.mark.parametrize("domain", ["code", "prose"])
def test_metrics_are_what_they_are_here(
    spread: Cluster, monkeypatch: pytest.MonkeyPatch, domain: str
) -> None:
    """Every metric that can be had, per input and across inputs, to the last digit."""
    monkeypatch.setattr("pytest_diversity.estimate.per_prompt._PAIRS", 0)
    pieces = []

    def counted(work: Any, items: Any, most: int) -> Iterator[Any]:
        pieces.append(len(items))
        return spread(work, items, most)

    samples = SampleSet.of({f"p{i}": texts(i, 6) for i in range(5)})
    chosen = replace(BUILTIN_DOMAINS[domain], prompts=None)
    near, far = features_of(samples, chosen), features_of(samples, chosen, spread=counted)
    found = 0
    for name in definitions():
        for metric in (parse(name), parse(f"across({name})")):
            expected = estimate(near, metric)
            found += expected.value is not None
            assert estimate(far, metric) == expected
    assert len(pieces) >= found > 20


def test_a_large_profile_is_measured_on_the_cluster(
    cluster: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Recorded programs, run and compared: the values of a run without one; then remembered."""
    prompts = [
        {"id": f"p{i}", "prompt": f"sum {i}", "entry_point": "f", "inputs": [[[1, 2, 3]], [[4]]]}
        for i in range(4)
    ]
    monkeypatch.setattr("pytest_diversity.estimate.per_prompt._PAIRS", 100_000)
    samples = [
        {"domain": "code", "prompt": f"p{i}", "index": index, "text": text}
        for i in range(4)
        for index, text in enumerate(texts(i, 200))
    ]
    for name, rows in (("prompts", prompts), ("samples", samples)):
        (tmp_path / f"{name}.jsonl").write_text("\n".join(map(json.dumps, rows)))
    domain = replace(
        BUILTIN_DOMAINS["code"],
        prompts="prompts.jsonl",
        samples_per_prompt=200,
        execution="sandbox",
        root=tmp_path,
    )
    config = Config(
        checkpoints={"m": Checkpoint("m", "replay:samples.jsonl")},
        domains={"code": domain},
        selected=("m",),
    )

    def values(store: str, count: int, *names: str, **options: Any) -> list[Any]:
        settings = Options(store=tmp_path / store, samples=count, **options)
        with closing(workspace_of(config, settings, tmp_path)) as session:
            return [session.estimate("m", "code", name) for name in names]

    names = ("pair_distinct", "effective_pairs", "correctness", "validity")
    expected = values("here.sqlite", 200, *names)
    there: dict[str, Any] = {"engine": "ray", "ray_address": cluster.address}
    assert values("there.sqlite", 200, *names, **there) == expected
    nowhere: dict[str, Any] = {"engine": "ray", "ray_address": "127.0.0.1:1"}
    with pytest.raises(ClusterError, match=r"127.0.0.1:1 cannot be reached"):
        values("there.sqlite", 200, "pair_distinct", **nowhere)
    # What was run is remembered, and few samples are compared here: no cluster is asked.
    expected = values("here.sqlite", 50, *names)
    assert values("there.sqlite", 50, *names, **nowhere) == expected
