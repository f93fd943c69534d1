"""Where weights come from, and the digest of what they are."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from pytest_diversity.checkpoints.fingerprint import fingerprint
from pytest_diversity.checkpoints.sources import Kind, Location, is_hub_name, kind_of, locate
from pytest_diversity.errors import CheckpointError


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An importable package that ships a model directory and a GGUF file."""
    folder = tmp_path / "site" / "some_weights"
    (folder / "model").mkdir(parents=True)
    (folder / "__init__.py").touch()
    (folder / "model/config.json").write_text("{}")
    (folder / "tiny.gguf").write_bytes(b"GGUF")
    monkeypatch.syspath_prepend(folder.parent)
    return folder


FOUND: Mapping[str, tuple[str, str, str]] = {
    "a directory": ("runs/dpo", "directory", "runs/dpo"),
    "a directory with a dot": ("./runs/dpo", "directory", "runs/dpo"),
    "a GGUF file": ("tiny.gguf", "gguf", "tiny.gguf"),
    "recorded samples": ("replay:samples.jsonl", "replay", "samples.jsonl"),
}


@pytest.mark.parametrize("case", FOUND)
def test_local_sources(tmp_path: Path, case: str) -> None:
    """Paths are relative to the folder of the configuration."""
    source, kind, path = FOUND[case]
    (tmp_path / "runs/dpo").mkdir(parents=True)
    (tmp_path / "tiny.gguf").touch()
    (tmp_path / "samples.jsonl").touch()
    location = locate(source, tmp_path)
    assert (location.kind, location.path) == (kind, tmp_path / path)


KINDS: Mapping[str, tuple[Kind, str]] = {
    "recorded samples": ("replay", "replay:x.jsonl"),
    "a URL": ("server", "http://host/v1#model"),
    "a URL in capitals": ("server", "HTTPS://host/v1"),
    "a registered sampler": ("registered", "dice:x"),
    "one that nobody has registered yet": ("registered", "dize:x"),
    "a directory that looks like one": ("weights", "here:x"),
    "a directory": ("weights", "runs/dice"),
    "a hub id with a revision": ("weights", "org/dice@main"),
    "a package": ("weights", "package:dice/x"),
    "a drive": ("weights", "c:x"),
    "capitals": ("weights", "Dice:x"),
}


@pytest.mark.parametrize("case", KINDS)
def test_the_kind_of_a_source(tmp_path: Path, case: str) -> None:
    """It is told from the text alone, but for a path that exists."""
    kind, source = KINDS[case]
    (tmp_path / "here:x").mkdir()
    assert kind_of(source, tmp_path) == kind


PACKAGED: Mapping[str, tuple[str, str, str]] = {
    "a directory": ("package:some_weights/model", "directory", "model"),
    "a GGUF file": ("package:some_weights/tiny.gguf", "gguf", "tiny.gguf"),
    "named as on the index": ("package:some-weights/model", "directory", "model"),
    "the package itself": ("package:some_weights", "directory", ""),
}


@pytest.mark.parametrize("case", PACKAGED)
def test_sources_in_packages(tmp_path: Path, package: Path, case: str) -> None:
    """Weights may be shipped in an installed package."""
    source, kind, path = PACKAGED[case]
    assert locate(source, tmp_path) == Location(kind, package / path)  # type: ignore[arg-type]


MISSING: Mapping[str, tuple[str, str]] = {
    "a directory": (
        "./runs/none",
        "checkpoint './runs/none': ROOT/runs/none does not exist; check",
    ),
    "a directory beside others": (
        "runs/none",
        "checkpoint 'runs/none': ROOT/runs/none does not exist; check the path",
    ),
    "a deep path": ("a/b/c", "checkpoint 'a/b/c': ROOT/a/b/c does not exist; check the path"),
    "an absolute path": ("/none/here", "checkpoint '/none/here': /none/here does not exist; check"),
    "a GGUF file": ("none.gguf", "checkpoint 'none.gguf': ROOT/none.gguf does not exist; check"),
    "recorded samples": (
        "replay:none.jsonl",
        "checkpoint 'replay:none.jsonl': ROOT/none.jsonl does not exist; check the path",
    ),
    "a package": (
        "package:none-such/model",
        "source 'package:none-such/model': the package 'none-such' is not installed; pip",
    ),
    "no package": (
        "package:",
        "source 'package:': the package '' is not installed; pip install NAME",
    ),
    "a module that is no package": (
        "package:this/model",
        "source 'package:this/model': the package 'this' is not installed",
    ),
    "a file in a package": (
        "package:some_weights/none",
        "source 'package:some_weights/none': the package has no 'none'; it has model, tiny.gguf",
    ),
    "a server": (
        "http://localhost/v1#m",
        "checkpoint: a server is not something to load; only a checkpoint's model can be one",
    ),
}


@pytest.mark.parametrize("case", MISSING)
@pytest.mark.usefixtures("package")
def test_sources_that_are_not_there(tmp_path: Path, case: str) -> None:
    """One sentence says what was looked for where, and what to do."""
    source, message = MISSING[case]
    (tmp_path / "runs").mkdir()
    with pytest.raises(CheckpointError) as caught:
        locate(source, tmp_path)
    assert str(caught.value).startswith(message.replace("ROOT", str(tmp_path)))


HUB: Mapping[str, tuple[str, bool]] = {
    "an organisation's model": ("HuggingFaceTB/SmolLM2-135M-Instruct", True),
    "a model of no one": ("gpt2", True),
    "a revision": ("org/model@main", True),
    "a name with dots": ("org/model-1.5", True),
    "a directory that is there": ("runs", False),
    "a name below a directory that is there": ("runs/none", False),
    "an explicit path": ("./model", False),
    "a path above": ("../model", False),
    "an absolute path": ("/models/a", False),
    "a home path": ("~/model", False),
    "a deep path": ("a/b/c", False),
    "a GGUF file": ("model.gguf", False),
    "recorded samples": ("replay:x.jsonl", False),
    "a package": ("package:a/b", False),
    "a server": ("https://host/v1#m", False),
    "spaces": ("my model", False),
    "nothing": ("", False),
}


@pytest.mark.parametrize("case", HUB)
def test_hub_names(tmp_path: Path, case: str) -> None:
    """Only what has the form of a hub id, and cannot be a path here, is looked for on the hub."""
    source, expected = HUB[case]
    (tmp_path / "runs").mkdir()
    assert is_hub_name(source, tmp_path) is expected


def model(folder: Path) -> Location:
    """A model directory with weights, a tokenizer in a sub-folder, and files that do not count."""
    (folder / "sub").mkdir(parents=True)
    (folder / "model.safetensors").write_bytes(b"weights")
    (folder / "sub/tokenizer.json").write_text("{}")
    (folder / "README.md").write_text("old")
    return Location("directory", folder)


def test_a_fingerprint_is_of_the_content(tmp_path: Path) -> None:
    """Two copies of a model have the same, wherever they lie and whatever is written about them."""
    one, two = model(tmp_path / "one"), model(tmp_path / "two")
    (two.path / "README.md").write_text("new")
    assert fingerprint(one, {}) == fingerprint(two, {})


def rewrite_weights(folder: Path) -> None:
    (folder / "model.safetensors").write_bytes(b"Weights")


def rename_a_file(folder: Path) -> None:
    (folder / "sub/tokenizer.json").rename(folder / "sub/vocab.json")


def move_a_file(folder: Path) -> None:
    (folder / "sub/tokenizer.json").rename(folder / "tokenizer.json")


def add_a_template(folder: Path) -> None:
    (folder / "chat_template.jinja").write_text("{{ messages }}")


@pytest.mark.parametrize(
    "change",
    [rewrite_weights, rename_a_file, move_a_file, add_a_template],
    ids=lambda f: f.__name__,
)
def test_a_fingerprint_changes_with_what_it_is_of(
    tmp_path: Path, change: Callable[[Path], None]
) -> None:
    """Whatever makes another model makes another fingerprint, memory or not."""
    location = model(tmp_path / "model")
    facts: dict[str, str] = {}
    before = fingerprint(location, facts)
    change(location.path)
    assert fingerprint(location, facts) != before


def test_a_fingerprint_is_remembered(tmp_path: Path) -> None:
    """A file of unchanged inode, size and time is not read again: the memory is believed."""
    location = model(tmp_path / "model")
    facts: dict[str, str] = {}
    first = fingerprint(location, facts)
    assert len(facts) == 2
    assert fingerprint(location, facts) == first
    believed = dict.fromkeys(facts, "0" * 64)
    assert fingerprint(location, believed) != first


def test_a_file_written_anew_is_read_anew(tmp_path: Path) -> None:
    """Even at the same size and place."""
    path = tmp_path / "tiny.gguf"
    path.write_bytes(b"one")
    facts: dict[str, str] = {}
    first = fingerprint(Location("gguf", path), facts)
    replacement = tmp_path / "new"
    replacement.write_bytes(b"two")
    os.utime(replacement, ns=(path.stat().st_atime_ns, path.stat().st_mtime_ns))
    replacement.replace(path)
    assert fingerprint(Location("gguf", path), facts) != first
