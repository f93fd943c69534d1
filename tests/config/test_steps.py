"""Patterns: a checkpoint for each step of a run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from pytest_diversity.config.named import add_checkpoints
from pytest_diversity.config.values import Config
from pytest_diversity.errors import ConfigError

from .loading import load


def folders(root: Path, *names: str) -> None:
    for name in names:
        (root / name).mkdir(parents=True)


def test_a_pattern_expands_by_step(tmp_path: Path) -> None:
    """Checkpoint directories become checkpoints in the order of their steps, not of their names."""
    folders(tmp_path, *(f"runs/checkpoint-{step}" for step in (1000, 500, 2000)), "runs/final")
    config = load(tmp_path, '[checkpoints]\nrun = "runs/checkpoint-*"\nend = "runs/fin*"')
    assert config.selected == ("run-500", "run-1000", "run-2000", "end-final")
    assert config.checkpoints["run-500"].source == (tmp_path / "runs/checkpoint-500").as_posix()


STEPS: Mapping[str, tuple[Sequence[str], str, Mapping[str, tuple[str, int | None]]]] = {
    "of one run": (
        ["runs/checkpoint-1000/", "runs/checkpoint-500/"],
        "runs/checkpoint-*",
        {"run-500": ("run", 500), "run-1000": ("run", 1000)},
    ),
    "its end is no step": (
        ["runs/checkpoint-500/", "runs/final/"],
        "runs/*",
        {"run-final": ("run", None), "run-500": ("run", 500)},
    ),
    "of several runs, side by side": (
        [f"{run}/out/checkpoint-{step}/" for run in ("seed-10", "seed-9") for step in (10, 9)],
        "*/out/checkpoint-*",
        {
            f"run-seed-{seed}-{step}": (f"run-seed-{seed}", step)
            for seed in (9, 10)
            for step in (9, 10)
        },
    ),
    "the ends of several runs": (
        ["a/final/", "b/final/"],
        "*/final",
        {"run-a-final": ("", None), "run-b-final": ("", None)},
    ),
    "nor are models with numbers": (
        ["m/llama-3/", "m/qwen-2/"],
        "m/*",
        {"run-2": ("", None), "run-3": ("", None)},
    ),
    "recorded samples": (
        ["r/step-20.jsonl", "r/step-100.jsonl.gz"],
        "replay:r/step-*",
        {"run-20": ("run", 20), "run-100": ("run", 100)},
    ),
}


@pytest.mark.parametrize("case", STEPS)
def test_the_steps_of_a_run(case: str, tmp_path: Path) -> None:
    """Matches of a pattern that differ in a number alone are a training run, by step."""
    paths, pattern, known = STEPS[case]
    folders(tmp_path, *(path for path in paths if path.endswith("/")))
    for path in paths:
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        if not path.endswith("/"):
            (tmp_path / path).touch()
    config = load(tmp_path, f'[checkpoints]\nrun = "{pattern}"')
    assert {one.name: (one.run, one.step) for one in config.checkpoints.values()} == known
    assert list(config.checkpoints) == list(known)


def test_a_recording_that_a_pattern_matches_is_one(tmp_path: Path) -> None:
    """Its source says so, as if it had been named."""
    (tmp_path / "step-20.jsonl").touch()
    config = load(tmp_path, '[checkpoints]\nrun = "replay:step-*.jsonl"')
    assert config.checkpoint("run-20").source == f"replay:{(tmp_path / 'step-20.jsonl').as_posix()}"


def test_a_pattern_may_be_absolute(tmp_path: Path) -> None:
    """Runs often lie elsewhere."""
    folders(tmp_path, "elsewhere/step_7", "project")
    pattern = (tmp_path / "elsewhere/step_*").as_posix()
    config = load(tmp_path / "project", f'[checkpoints]\nrun = "{pattern}"')
    assert config.selected == ("run-7",)


def test_expanded_checkpoints_share_their_settings(tmp_path: Path) -> None:
    """Settings beside a pattern hold for all that it matches."""
    folders(tmp_path, "c-1", "c-2")
    text = '[checkpoints]\nrun = { model = "c-*", adapter = "a", temperature = 0.5 }'
    config = load(tmp_path, text)
    assert [c.adapter for c in config.checkpoints.values()] == ["a", "a"]
    assert [c.generation for c in config.checkpoints.values()] == [{"temperature": 0.5}] * 2


def test_a_pattern_on_the_command_line_expands_to_the_same_names(tmp_path: Path) -> None:
    """NAME=runs/* names what the file's { model = "runs/*" } names; nothing is an error."""
    for step in (200, 50):
        (tmp_path / "runs" / f"checkpoint-{step}").mkdir(parents=True)
    config = add_checkpoints(Config(), ["sft=runs/checkpoint-*"], tmp_path)
    assert config.selected == ("sft-50", "sft-200")
    assert config.checkpoints["sft-50"].source == (tmp_path / "runs/checkpoint-50").as_posix()
    with pytest.raises(ConfigError, match="nothing matches 'other/"):
        add_checkpoints(Config(), ["sft=other/*"], tmp_path)


def test_a_pattern_of_adapters_expands_on_one_base(tmp_path: Path) -> None:
    """The checkpoints of a run of fine-tuning, each on the model that it began with."""
    folders(tmp_path, *(f"runs/checkpoint-{step}" for step in (1000, 500)))
    text = '[checkpoints]\nsft = { model = "org/base", adapter = "runs/checkpoint-*" }'
    config = load(tmp_path, text)
    assert config.selected == ("sft-500", "sft-1000")
    assert [(c.source, c.adapter) for c in config.checkpoints.values()] == [
        ("org/base", (tmp_path / f"runs/checkpoint-{step}").as_posix()) for step in (500, 1000)
    ]


def test_two_patterns_in_one_checkpoint_are_refused(tmp_path: Path) -> None:
    """Which adapter belongs on which model is nobody's guess."""
    folders(tmp_path, "base-1", "sft-1")
    text = '[checkpoints]\nsft = { model = "base-*", adapter = "sft-*" }'
    with pytest.raises(ConfigError, match="toml:2: checkpoint 'sft' has a pattern for its model"):
        load(tmp_path, text)


def test_two_checkpoints_of_one_step_are_refused(tmp_path: Path) -> None:
    """Two checkpoints never share a name, which would silently drop one of them."""
    folders(tmp_path, "runs/checkpoint-1", "runs/checkpoint-01")
    with pytest.raises(ConfigError, match="toml:2: two checkpoints are named 'run-1'; rename one"):
        load(tmp_path, '[checkpoints]\nrun = "runs/checkpoint-*"')


def test_a_directory_with_brackets_is_no_pattern(tmp_path: Path) -> None:
    """What exists under the very name is meant."""
    folders(tmp_path, "run [old]")
    assert load(tmp_path, '[checkpoints]\na = "run [old]"').selected == ("a",)
