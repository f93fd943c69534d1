"""One configuration with what it is measured with: what a run overrides, and what is read once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pytest_diversity.config.options import Options
from pytest_diversity.config.values import Checkpoint, Config, Domain
from pytest_diversity.events import Drawn
from pytest_diversity.workspace import Workspace
from tests.workspaces import workspace_of


@pytest.fixture
def open_workspace(tmp_path: Path, record: Callable[..., Path]) -> Callable[..., Workspace]:
    """A function that opens a workspace on eight recorded prompts, four samples each."""
    record(tmp_path / "base.jsonl")
    lines = "\n".join(f'{{"id": "p{i}", "prompt": "say {i}"}}' for i in range(8))
    (tmp_path / "own.jsonl").write_text(lines)

    def open_one(**options: Any) -> Workspace:
        domain = Domain("d", prompts="own.jsonl", samples_per_prompt=4, root=tmp_path)
        config = Config(
            checkpoints={"base": Checkpoint("base", "replay:base.jsonl")}, domains={"d": domain}
        )
        store = Options(store=tmp_path / "store/samples.sqlite", **options)
        return workspace_of(config, store, tmp_path)

    return open_one


OVERRIDDEN: Mapping[str, tuple[Any, Any]] = {
    "samples": ("samples_per_prompt", 2),
    "embedder": ("embedder", "models/one"),
    "adaptive": ("adaptive", True),
}


@pytest.mark.parametrize("option", OVERRIDDEN)
def test_a_run_stands_above_the_file(open_workspace: Callable[..., Workspace], option: str) -> None:
    """What the command line says takes the place of what a domain says; the rest stays."""
    field, value = OVERRIDDEN[option]
    plain, changed = open_workspace().domain("d"), open_workspace(**{option: value}).domain("d")
    assert getattr(changed, field) == value
    assert getattr(plain, field) != value
    assert changed.prompts == plain.prompts


def test_a_prompt_file_is_read_once(
    open_workspace: Callable[..., Workspace], tmp_path: Path
) -> None:
    """One that is written anew during a run changes the next run, not half of this one."""
    workspace = open_workspace()
    domain = workspace.domain("d")
    before = workspace.prompts(domain)
    (tmp_path / "own.jsonl").write_text('{"id": "q", "prompt": "another"}')
    assert workspace.prompts(domain) == before
    assert list(open_workspace().prompts(domain)) == ["q"]


def test_recorded_samples_are_no_drawing(
    open_workspace: Callable[..., Workspace], tmp_path: Path
) -> None:
    """They are there at once, no store is made, and the event says that they were recorded."""
    workspace = open_workspace()
    assert workspace.at_hand("base", "d")
    assert not workspace.stored("base", "d")
    assert [len(group) for group in workspace.samples("base", "d").values()] == [4] * 8
    [event] = workspace.events
    assert isinstance(event, Drawn)
    assert event.replayed
    workspace.close()
    assert not (tmp_path / "store").exists()


def test_another_configuration_opens_nothing_anew(
    open_workspace: Callable[..., Workspace],
) -> None:
    """What both say is not computed again, what differs is; neither notices the other."""
    workspace = open_workspace()
    found = workspace.features("base", "d")
    few = replace(workspace.config.domain("d"), max_prompts=2)
    same = workspace.with_config(replace(workspace.config, selected=("base",)))
    other = workspace.with_config(replace(workspace.config, domains={"d": few}))
    assert same.features("base", "d") is found
    assert len(other.features("base", "d").samples) == 2
    assert other.resources is workspace.resources
    assert workspace.features("base", "d") is found
    assert [len(one.events) for one in (workspace, same, other)] == [1, 0, 1]
