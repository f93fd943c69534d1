"""The shipped adapters are small, finite and put on the base that everybody can install."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from example_project.training.common import ADAPTERS, FOLDER, SOURCE
from pytest_diversity.config.file import load_config

SHIPPED = sorted(path.name for path in ADAPTERS.iterdir())
SCRIPTS = sorted(
    path.stem for path in FOLDER.glob("*_*.py") if "command(RECIPE" in path.read_text("utf-8")
)


@pytest.mark.parametrize("name", SHIPPED)
def test_an_adapter_is_whole(name: str) -> None:
    """In 16 bits, finite, trained, on the package's base, with a card and nothing else."""
    folder = ADAPTERS / name
    weights = load_file(folder / "adapter_model.safetensors")
    assert weights
    assert all(one.dtype == torch.float16 and one.isfinite().all() for one in weights.values())
    assert all(one.any() for key, one in weights.items() if "lora_B" in key)
    config = json.loads((folder / "adapter_config.json").read_text("utf-8"))
    assert config["base_model_name_or_path"] == SOURCE
    assert {path.name for path in folder.iterdir()} == {
        "README.md",
        "adapter_config.json",
        "adapter_model.safetensors",
        "training.json",
    }


def test_all_adapters_together_are_small() -> None:
    """They are part of the repository."""
    assert sum(path.stat().st_size for path in ADAPTERS.rglob("*")) < 15_000_000


def test_every_adapter_is_gated_and_has_its_script() -> None:
    """What is shipped is in the configuration, and can be made again."""
    known = load_config(FOLDER.parent / "diversity.toml").checkpoints
    assert set(SHIPPED) == set(known) - {"base"}
    assert {name.replace("-", "_") for name in SHIPPED} <= set(SCRIPTS)


@pytest.mark.long
@pytest.mark.parametrize("script", SCRIPTS)
def test_a_script_trains(script: str, tmp_path: Path) -> None:
    """Two steps of each, from the command line."""
    name = script.replace("_", "-")
    given = ["--steps", "2", "--into", str(tmp_path)]
    command = [sys.executable, "-m", f"example_project.training.{script}", *given]
    subprocess.run(command, check=True, cwd=FOLDER.parents[1])  # noqa: S603 - our own script
    record = json.loads((tmp_path / name / "training.json").read_text("utf-8"))
    assert len(record["log"]) == 2
    assert load_file(tmp_path / name / "adapter_model.safetensors")
