"""What a folder must hold to be a model or an adapter, found out without loading anything."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from pytest_diversity.checkpoints.contents import check_contents
from pytest_diversity.checkpoints.sources import Location
from pytest_diversity.errors import CheckpointError

POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 269060552\n"
# name -> (the file that is written over, what it holds, the sentence)
WRONG: Mapping[str, tuple[str, str | None, str]] = {
    "no settings": ("config.json", None, r"has no settings \(config\.json\); name a folder"),
    "settings that are a list": ("config.json", "[]", r"config\.json is not a JSON object"),
    "no tokenizer": ("tokenizer.json", None, "has no tokenizer"),
    "no weights": ("model.safetensors", None, "has no weights as safetensors"),
    "weights that are empty": ("model.safetensors", "", "cannot be read: .*; copy it again"),
    "weights that were cut off": (
        "model.safetensors",
        '\x64\0\0\0\0\0\0\0{"a":',
        "cannot be read: .*; copy it again as a whole",
    ),
    "a pointer to weights": ("model.safetensors", POINTER, "`git lfs pull` fetches"),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_folder_that_is_no_model(
    tmp_path: Path, hollow_model: Callable[[Path], Path], case: str
) -> None:
    """What is missing or damaged is one sentence."""
    name, content, sentence = WRONG[case]
    file = hollow_model(tmp_path / "m") / name
    if content is None:
        file.unlink()
    else:
        file.write_text(content)
    with pytest.raises(CheckpointError, match=sentence):
        check_contents(Location("directory", tmp_path / "m"), "checkpoint")


def test_a_folder_that_is_one(tmp_path: Path, hollow_model: Callable[[Path], Path]) -> None:
    """Nothing is said of it."""
    check_contents(Location("directory", hollow_model(tmp_path / "m")), "checkpoint")
