"""What a folder must hold to be a model or an adapter, found out without loading anything."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import nullcontext
from functools import partial
from pathlib import Path

import pytest

from pytest_diversity.checkpoints.contents import check_contents
from pytest_diversity.checkpoints.sources import Location
from pytest_diversity.errors import CheckpointError
from pytest_diversity.findings import Findings

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
    "an index of files that are not all there": (
        "model.safetensors.index.json",
        '{"weight_map": {"a": "model.safetensors", "b": "model-2.safetensors"}}',
        r"m has no model-2\.safetensors, which its index names; copy it again",
    ),
    "an index that is none": ("model.safetensors.index.json", "{", "is not a JSON object"),
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


def test_all_that_is_wrong_with_a_folder(tmp_path: Path) -> None:
    """A doctor hears of each part, and of every file of weights."""
    for name in ("one", "two"):
        (tmp_path / f"{name}.safetensors").write_text(POINTER)
    look = Findings()
    check_contents(Location("directory", tmp_path), "checkpoint", partial(look, "m"))
    said = [found.said for found in look]
    parts = ("no settings", "no tokenizer", "one.safetensors cannot", "two.safetensors cannot")
    assert len(said) == len(parts)
    assert all(part in sentence for part, sentence in zip(parts, said, strict=True))


def test_a_gguf_file_that_is_none(tmp_path: Path) -> None:
    """Its first bytes tell."""
    for content, whole in ((b"GGUF and more", True), (POINTER.encode(), False)):
        (tmp_path / "m.gguf").write_bytes(content)
        with nullcontext() if whole else pytest.raises(CheckpointError, match="is no GGUF file"):
            check_contents(Location("gguf", tmp_path / "m.gguf"), "checkpoint")


def test_a_folder_that_is_one(tmp_path: Path, hollow_model: Callable[[Path], Path]) -> None:
    """Nothing is said of it."""
    check_contents(Location("directory", hollow_model(tmp_path / "m")), "checkpoint")
