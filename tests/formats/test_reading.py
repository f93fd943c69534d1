"""Folders, maps, and files with the answers of several models."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from pytest_diversity.config.recorded import FIELDS
from pytest_diversity.errors import DataError
from pytest_diversity.formats.reading import read_samples
from pytest_diversity.samples import Sample, SampleSet

Write = Callable[..., Path]
OURS = {"prompt": "p", "text": "x"}
OTHER = {"question": "q", "answer": "a"}
NESTED = {"q": {"text": "Hi?"}, "out": [{"content": "a"}, {"content": "b"}], "step": "7"}


def test_a_folder_is_read_whole(write: Write, tmp_path: Path) -> None:
    """Files in folders within, in order of their names; what holds no samples is named."""
    (tmp_path / "b").mkdir()
    write(OURS, "a.jsonl")
    write({**OURS, "text": "y"}, "b/a.jsonl")
    write({"results": {"accuracy": 0.5}}, "results.json")
    write([], "empty.jsonl")
    (tmp_path / "README.md").write_text("# Samples")
    (tmp_path / ".hidden").write_text("{")
    found = read_samples(tmp_path)
    assert found.samples == SampleSet.of({"p": ["x", "y"]})
    named = "README.md, empty.jsonl, results.json"
    assert found.notes == (f"{tmp_path.name}: no samples in {named}",)


def test_a_folder_of_several_layouts(write: Write, tmp_path: Path) -> None:
    """They can hardly be of one checkpoint."""
    write(OURS, "a.jsonl")
    write(OTHER, "b.jsonl")
    message = r"has files of two layouts: .*a\.jsonl \(samples of this plugin\) and .*b\.jsonl"
    with pytest.raises(DataError, match=message):
        read_samples(tmp_path)


def test_a_folder_without_samples(write: Write, tmp_path: Path) -> None:
    """What was seen in it is said."""
    write({"results": {"accuracy": 0.5}}, "results.json")
    with pytest.raises(DataError, match=r"results\.json:1: no known layout of samples"):
        read_samples(tmp_path)


# (what the checkpoint says of its rows, the samples)
MAPS: Mapping[str, tuple[dict[str, str], Any, Mapping[str, list[str]]]] = {
    "the answer": ({"text": "answer"}, {**OTHER, "prediction": "b"}, {"q": ["a"]}),
    "the other answer": ({"text": "prediction"}, {**OTHER, "prediction": "b"}, {"q": ["b"]}),
    "a place within": ({"prompt": "q.text", "text": "out.1.content"}, NESTED, {"Hi?": ["b"]}),
    "all answers": ({"prompt": "q.text", "text": "out"}, NESTED, {"Hi?": ["a", "b"]}),
    "the last one": ({"prompt": "q.text", "text": "out.-1.content"}, NESTED, {"Hi?": ["b"]}),
    "a key with dots": ({"text": "a.b"}, {"prompt": "p", "a.b": "x"}, {"p": ["x"]}),
    "the prompt of a known layout": (
        {"prompt": "answer"},
        {"id": "7", **OURS, "answer": "z"},
        {"z": ["x"]},
    ),
    "a list within": ({"prompt": "a", "text": "b"}, {"rows": [{"a": 1, "b": "x"}]}, {"1": ["x"]}),
}


@pytest.mark.parametrize("case", MAPS)
def test_a_map(write: Write, case: str) -> None:
    """It says where a field stands; the usual columns and known layouts say the rest."""
    chosen, row, expected = MAPS[case]
    assert read_samples(write(row), chosen).samples == SampleSet.of(expected)


def test_a_map_knows_every_field() -> None:
    """The configuration names them without knowing samples."""
    assert {*FIELDS, "extra"} == {field.name for field in fields(Sample)}


def test_a_map_of_the_index(write: Write) -> None:
    """However a number is written."""
    chosen = {"prompt": "q.text", "text": "out.0.content", "index": "step"}
    (sample,) = read_samples(write(NESTED), chosen).samples.samples
    assert sample.index == 7


def test_a_map_to_what_is_not_there(write: Write) -> None:
    """The row is named, with its keys."""
    with pytest.raises(DataError) as caught:
        read_samples(write([OTHER]), {"text": "out"})
    assert (
        "file:1: map says text = \"out\", and a row has no such key; its keys: 'question',"
        in str(caught.value)
    )


def test_answers_of_several_models(write: Write) -> None:
    """One has to be chosen, and the others are left out."""
    rows = [
        {"instruction": "i", "output": name, "generator": name, "dataset": "d"} for name in "ab"
    ]
    path = write(rows)
    with pytest.raises(DataError) as caught:
        read_samples(path)
    assert str(caught.value) == (
        f"{path} has answers of several models: 'a' and 'b'; "
        'choose one: replay = { path = "file", only = { "generator" = "a" } }'
    )
    found = read_samples(path, {}, {"generator": "b"})
    assert found.samples == SampleSet.of({"i": ["b"]})
    assert "file: 1 left out of 2 rows: another generator than b" in found.notes
    with pytest.raises(DataError, match="no row has 'c' as its generator; it has 'a', 'b'"):
        read_samples(path, {}, {"generator": "c"})


def test_a_large_file_is_read_line_by_line(tmp_path: Path) -> None:
    """Of its rows, only what a sample keeps stays."""
    path = tmp_path / "large.jsonl"
    row = json.dumps({**OTHER, "trace": {"events": "e" * 100_000}})
    path.write_text("\n".join([row] * 200))
    assert len(read_samples(path).samples["q"]) == 200
