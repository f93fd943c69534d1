"""What is told of an adapter from its settings alone."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from pytest_diversity.checkpoints.adapters import check_adapter, disagreement, on_its_base
from pytest_diversity.checkpoints.sources import Location
from pytest_diversity.config.values import Checkpoint
from pytest_diversity.errors import CheckpointError


def _adapter(folder: Path, **settings: Any) -> Path:
    (folder / "adapter").mkdir(parents=True)
    (folder / "adapter/adapter_config.json").write_text(json.dumps(settings))
    (folder / "adapter/adapter_model.safetensors").touch()
    return folder / "adapter"


# name -> (what the adapter says of its base, whether that is the base `models/tiny`)
BASES: Mapping[str, tuple[Any, bool]] = {
    "the base's path": ("models/tiny", True),
    "a name on the hub that ends alike": ("some-lab/tiny", True),
    "another model": ("some-lab/large", False),
    "a home of nobody": ("~nobody-here/large", False),
    "a name that is too long for a file": ("x" * 3000, False),
    "a name that no file can have": ("a\0b", False),
    "nothing": (None, True),
    "no name": (7, True),
}


@pytest.mark.parametrize("case", BASES)
def test_the_base_that_an_adapter_was_trained_on(tmp_path: Path, case: str) -> None:
    """Another one than it is put on is said, whatever the name looks like."""
    base, same = BASES[case]
    (tmp_path / "models/tiny").mkdir(parents=True)
    adapter = Location("directory", _adapter(tmp_path, base_model_name_or_path=base))
    said = disagreement(Checkpoint("m", "models/tiny"), adapter, tmp_path)
    assert (said is None) == same


@pytest.mark.parametrize("case", [name for name in BASES if not BASES[name][1]])
def test_a_base_that_is_not_here(
    tmp_path: Path, case: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An adapter named as a model is refused with the syntax that names its base."""
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    _adapter(tmp_path, base_model_name_or_path=BASES[case][0])
    with pytest.raises(CheckpointError, match=r"is an adapter, and its base .* is not here; write"):
        on_its_base(Checkpoint("m", "adapter"), tmp_path)


UNUSABLE: Mapping[str, tuple[dict[str, Any], str]] = {
    "no kind": ({}, r"does not say what kind it is \(peft_type\)"),
    "a number for a kind": ({"peft_type": 7}, r"does not say what kind it is \(peft_type\)"),
    "a mixture of adapters elsewhere": (
        {"peft_type": "XLORA", "adapters": {"0": "some/adapter"}},
        "a mixture of other adapters that it names",
    ),
    "prompts": ({"peft_type": "PROMPT_TUNING"}, "depends on the prompt's tokens"),
}


@pytest.mark.parametrize("case", UNUSABLE)
def test_an_adapter_that_cannot_be_drawn_from(tmp_path: Path, case: str) -> None:
    """It is refused by its settings."""
    settings, sentence = UNUSABLE[case]
    with pytest.raises(CheckpointError, match=sentence):
        check_adapter(_adapter(tmp_path, **settings))
