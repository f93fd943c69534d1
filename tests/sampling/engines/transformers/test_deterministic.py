"""`--diversity-deterministic`: sample i is sample i, however and by whomever it is drawn."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TypeAlias

import pytest
import torch

from pytest_diversity.sampling.engines.transformers import batch_size as memory

PROMPTS = ("the cat", "a dog ran in the park and the cat sat", "hello", "mat", "what is it?")
CONFIG = """
[checkpoints]
tiny = '{model}'
[domains.a]
prompts = "prompts.jsonl"
samples_per_prompt = {count}
max_tokens = 12
top_p = 0.95
[domains.a.budget]
lexical = {{ min = 0.0 }}
{more}
"""
OTHER = """
[domains.b]
prompts = "others.jsonl"
max_tokens = 12
samples_per_prompt = 8
[domains.b.budget]
lexical = { min = 0.0 }
"""
Texts: TypeAlias = dict[tuple[str, int], str]


class Project:
    """A project that draws from a tiny model."""

    def __init__(self, pytester: pytest.Pytester, model: Path) -> None:
        """Nothing is drawn yet."""
        self.pytester = pytester
        self.model = model

    def prompts(self, texts: Sequence[str], name: str = "prompts.jsonl") -> None:
        """Write a file of prompts, whose ids depend on the text alone."""
        lines = [json.dumps({"id": text[:3], "prompt": text}) for text in texts]
        (self.pytester.path / name).write_text("\n".join(lines))

    def run(self, *arguments: str, count: int = 8, more: str = "") -> None:
        """Draw; every budget is kept."""
        text = CONFIG.format(model=self.model.as_posix(), count=count, more=more)
        (self.pytester.path / "diversity.toml").write_text(text)
        run = self.pytester.runpytest_subprocess if arguments else self.pytester.runpytest_inprocess
        result = run("-p", "no:cacheprovider", "--diversity-deterministic", *arguments)
        assert result.ret == pytest.ExitCode.OK, result.outlines[-20:]

    def forget(self) -> None:
        """Remove the store."""
        for path in (self.pytester.path / ".diversity").glob("samples.sqlite*"):
            if path.is_file():
                path.unlink()

    def texts(self) -> Texts:
        """Everything in the store, by prompt and number."""
        with sqlite3.connect(self.pytester.path / ".diversity/samples.sqlite") as connection:
            rows = connection.execute(
                "SELECT detail, number, text FROM sample JOIN draw ON draw.id = sample.draw"
            ).fetchall()
        return {(json.loads(detail)["prompt"], number): text for detail, number, text in rows}


@pytest.fixture
def project(pytester: pytest.Pytester, tiny: Path) -> Iterator[Project]:
    """A project with five prompts; torch is left as it was found."""
    threads = torch.get_num_threads()
    made = Project(pytester, tiny)
    made.prompts(PROMPTS)
    yield made
    torch.set_num_threads(threads)
    torch.use_deterministic_algorithms(mode=False)


def topped_up(project: Project) -> None:
    """First three samples of each prompt, then all."""
    project.run(count=3)
    project.run()


def other_order(project: Project) -> None:
    """The prompts the other way round."""
    project.prompts(PROMPTS[::-1])
    project.run()


def one_prompt_first(project: Project) -> None:
    """One prompt alone, then all: batches of another make."""
    project.prompts(PROMPTS[2:3])
    project.run()
    project.prompts(PROMPTS)
    project.run()


def small_batches(project: Project) -> None:
    """Three samples at a time, as after running out of memory."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(memory, "_MOST_ON_CPU", 3)
        project.run()


def two_workers(project: Project) -> None:
    """Two processes, each with prompts of its own, at the same time."""
    project.prompts(["log", "park"], "others.jsonl")
    project.run("-n", "2", more=OTHER)


WAYS: Mapping[str, Callable[[Project], None]] = {
    "topped up": topped_up,
    "another order of prompts": other_order,
    "one prompt before the others": one_prompt_first,
    "another batch size": small_batches,
    "two workers": two_workers,
}


@pytest.fixture(scope="module")
def expected() -> Texts:
    """Filled by the first test: what is drawn at once."""
    return {}


@pytest.mark.parametrize(
    "way", [*list(WAYS)[:-1], pytest.param("two workers", marks=pytest.mark.long)]
)
def test_the_texts_are_the_same(project: Project, expected: Texts, way: str) -> None:
    """Whatever the batches were, prompt by prompt and number by number."""
    if not expected:
        project.run()
        expected.update(project.texts())
        project.forget()
    WAYS[way](project)
    found = project.texts()
    assert len(expected) == 8 * len(PROMPTS)
    assert {key: found.get(key) for key in expected} == expected
    assert len(set(expected.values())) > len(expected) / 2  # they do differ from one another
