"""Chat templates of checkpoints in whole sessions: named, switched off, and with a clock."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from pytest_diversity.checkpoints.sources import Location
from pytest_diversity.checkpoints.templates import clock_formats
from pytest_diversity.config.options import Options
from pytest_diversity.config.values import Checkpoint, Config, Domain, Generation
from pytest_diversity.errors import ConfigError
from pytest_diversity.events import Drawn
from pytest_diversity.samples import SampleSet
from pytest_diversity.validation import validate
from tests.workspaces import workspace_of

DATED = "{{ strftime_now('%Y-%m-%d') }} {{ messages[-1]['content'] }}<|assistant|>"
THINKS = "{{ messages[-1]['content'] }}<|assistant|><think>\n"
PROMPT = {"id": "p", "prompt": "Hi"}


class Project:
    """A project with the small model, whose samples are kept from one run to the next."""

    def __init__(self, folder: Path, model: Path) -> None:
        """Draw nothing yet."""
        self.folder = folder
        self._model = model

    def draw(self, prompt: Mapping[str, Any] = PROMPT, **settings: Any) -> tuple[SampleSet, int]:
        """Three samples of a checkpoint with these settings, and how many had to be drawn."""
        (self.folder / "prompts.jsonl").write_text(json.dumps(prompt))
        domain = Domain(
            "d",
            prompts="prompts.jsonl",
            samples_per_prompt=3,
            generation=Generation(max_tokens=4),
            root=self.folder,
        )
        checkpoint = Checkpoint("m", str(self._model), **settings)
        session = workspace_of(
            Config(checkpoints={"m": checkpoint}, domains={"d": domain}),
            Options(device="cpu", dtype="float32", store=self.folder / "samples.sqlite"),
            self.folder,
        )
        try:
            validate(session)
            samples = session.samples("m", "d")
        finally:
            session.close()
        [drawn] = [event for event in session.events if isinstance(event, Drawn)]
        return samples, drawn.drawn


@pytest.fixture
def project(tmp_path: Path, tiny: Path) -> Project:
    """A project of its own."""
    return Project(tmp_path, tiny)


def test_each_template_has_samples_of_its_own(project: Project) -> None:
    """A file, its text and none: what was drawn with one is not taken for another's."""
    (project.folder / "plain.jinja").write_text("{{ messages[-1]['content'] }}")
    assert project.draw()[1] == 3
    assert project.draw(template="none")[1] == 3
    assert project.draw(template="plain.jinja")[1] == 3
    assert project.draw(template="{{ messages[-1]['content'] }}")[1] == 0
    assert project.draw(chat_template_kwargs={"enable_thinking": False})[1] == 3
    assert project.draw()[1] == 0


def test_a_template_that_is_not_there(project: Project) -> None:
    """It is said before anything is drawn."""
    with pytest.raises(ConfigError, match=r"nowhere\.jinja does not exist"):
        project.draw(template="nowhere.jinja")


def test_a_date_in_a_template_is_part_of_the_key(project: Project) -> None:
    """On another day the model reads another prompt, so that its samples are drawn anew."""
    (project.folder / "dated.jinja").write_text(DATED)
    first, drawn = project.draw(template="dated.jinja", today="2026-01-30")
    assert drawn == 3
    assert project.draw(template="dated.jinja", today="2026-01-30") == (first, 0)
    second, drawn = project.draw(template="dated.jinja", today="2026-01-31")
    assert drawn == 3
    assert second != first


def test_a_day_changes_nothing_where_no_template_reads_it(project: Project) -> None:
    """Samples of other templates stay for good."""
    project.draw(today="2026-01-30")
    assert project.draw(today="2026-01-31")[1] == 0


def test_a_thought_that_a_template_opens_never_ends(project: Project) -> None:
    """Four tokens of noise end no thought: there is no answer, and the thought is kept."""
    samples, _ = project.draw(template=THINKS)
    assert [(one.text, one.thought is not None) for one in samples["p"]] == [("", True)] * 3
    kept, drawn = project.draw(template=THINKS, thinking="keep")
    assert drawn == 0
    assert all(one.text.startswith("<think>") and one.thought is None for one in kept["p"])


def test_the_beginning_of_an_answer_is_no_part_of_a_sample(project: Project) -> None:
    """It is part of what the model reads."""
    plain, _ = project.draw()
    begun, drawn = project.draw({**PROMPT, "prefill": "the cat sat"})
    assert drawn == 3
    assert not any(one.text.startswith("the cat sat") for one in begun["p"])
    assert begun != plain


def test_a_context_that_is_too_short(project: Project) -> None:
    """A prompt that leaves no room for its answers is refused, and nothing is drawn."""
    with pytest.raises(ConfigError, match="the model's context has 512"):
        project.draw({"id": "p", "prompt": "cat and dog " * 300})


FORMATS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "none": ("{{ messages }}", ()),
    "one": ("{{ strftime_now('%Y') }}", ("%Y",)),
    "as in JSON": (r'{"chat_template": "{{ strftime_now(\"%d %b\") }}"}', ("%d %b",)),
    "two, twice": (
        "{{ strftime_now('%Y') ~ strftime_now( \"%d\" ) ~ strftime_now('%Y') }}",
        ("%Y", "%d"),
    ),
    "one that is not written out": ("{{ strftime_now(format) }}", ("",)),
    "whether there is a clock": ("{% if strftime_now is defined %}x{% endif %}", ()),
}


@pytest.mark.parametrize("case", FORMATS)
def test_how_a_template_reads_the_clock(tmp_path: Path, case: str) -> None:
    """It is told from the source, in a directory and in a GGUF file, without a tokenizer."""
    source, formats = FORMATS[case]
    assert set(clock_formats(source)) == set(formats)
    (tmp_path / "m").mkdir()
    (tmp_path / "m" / "tokenizer_config.json").write_text(source)
    (tmp_path / "m.gguf").write_bytes(b"GGUF\xff\x00" + source.encode() + b"\x00\xfe")
    assert set(clock_formats(Location("directory", tmp_path / "m"))) == set(formats)
    assert set(clock_formats(Location("gguf", tmp_path / "m.gguf"))) == set(formats)


REACHING: Mapping[str, str] = {
    "every class there is": "{{ ''.__class__.__mro__[1].__subclasses__() }}",
    "what a function belongs to": "{{ raise_exception.__globals__ }}",
    "what it was given": "{{ messages.append({'role': 'user'}) }}",
}


@pytest.mark.parametrize("case", REACHING)
def test_a_template_reaches_nothing_of_python(project: Project, case: str) -> None:
    """It comes with a model, and is a program that jinja's sandbox runs."""
    with pytest.raises(ConfigError, match=r"chat template|has no tokens"):
        project.draw(template=REACHING[case])
