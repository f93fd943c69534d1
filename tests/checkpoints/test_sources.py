"""Where weights come from, and the digest of what they are."""

from __future__ import annotations

import hashlib
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
    "a GGUF file of a model": ("org/model-GGUF/model.Q4_K_M.gguf", True),
    "a GGUF file of a revision": ("org/model@main/sub/model.gguf", True),
    "a GGUF file below a directory that is there": ("runs/model/model.gguf", False),
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


TRAINERS_FILES = (
    "trainer_state.json",
    "training_args.bin",
    "train_results.json",
    "eval_results.json",
    "all_results.json",
    "my_scores.json",
    "notes.txt",
    "LICENSE.txt",
    "optimizer.pt",
    "scheduler.pt",
    "rng_state.pth",
    "README.md",
    "model.Q4_K_M.gguf",
    "runs/events.json",
    "checkpoint-100/model.safetensors",
    "checkpoint-100/config.json",
    "checkpoint-100/trainer_state.json",
    ".cache/huggingface/download/config.json",
    "original/consolidated.safetensors",
)


def test_what_is_not_loaded_is_not_hashed(tmp_path: Path) -> None:
    """A trainer, an evaluation and a person may write beside a model."""
    location = model(tmp_path / "model")
    before = fingerprint(location, {})
    for name in TRAINERS_FILES:
        path = location.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("{}")
        assert fingerprint(location, {}) == before, name


def test_a_model_that_was_saved_below_another_is_not_hashed(tmp_path: Path) -> None:
    """Whatever its folder is called."""
    location = model(tmp_path / "model")
    before = fingerprint(location, {})
    (location.path / "best").mkdir()
    (location.path / "best/config.json").write_text("{}")
    (location.path / "best/model.safetensors").write_bytes(b"other")
    assert fingerprint(location, {}) == before


ORDINARY = (
    "config.json",
    "generation_config.json",
    "model-00001-of-00002.safetensors",
    "model.safetensors.index.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab.json",
    "merges.txt",
    "vocab.txt",
    "tokenizer.model",
    "spiece.model",
    "chat_template.jinja",
    "chat_template.json",
    "preprocessor_config.json",
)


def test_the_fingerprint_of_an_ordinary_folder_is_what_it_was(tmp_path: Path) -> None:
    """Samples that were drawn before are found: a digest of names and digests, in order."""
    total = hashlib.sha256()
    for name in sorted(ORDINARY):
        (tmp_path / name).write_text(name)
        total.update(f"{name}\0{hashlib.sha256(name.encode()).hexdigest()}\n".encode())
    assert fingerprint(Location("directory", tmp_path), {}) == total.hexdigest()


def test_the_parts_of_an_embedder_are_hashed(tmp_path: Path) -> None:
    """sentence-transformers keeps its parts in folders, each with a configuration."""
    (tmp_path / "modules.json").write_text("[]")
    (tmp_path / "1_Pooling").mkdir()
    (tmp_path / "1_Pooling/config.json").write_text("{}")
    before = fingerprint(Location("directory", tmp_path), {})
    (tmp_path / "1_Pooling/config.json").write_text('{"pooling_mode_cls_token": true}')
    assert fingerprint(Location("directory", tmp_path), {}) != before


REPOSITORY = (
    *("config.json", "generation_config.json", "tokenizer.json", "tokenizer_config.json"),
    *("model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"),
    *("model.safetensors.index.json", "chat_template.jinja", "merges.txt", "vocab.json"),
)
OTHERS = (
    *("pytorch_model.bin", "model.Q4_K_M.gguf", "model.Q8_0.gguf", "original/params.json"),
    *("original/consolidated.00.safetensors", "consolidated.safetensors", "README.md"),
    *("model.fp16.safetensors", "checkpoint-500/model.safetensors", "checkpoint-500/config.json"),
    *("onnx/model.onnx", "onnx/config.json", "training_args.bin", "trainer_state.json", "LICENSE"),
    *("eval_results.json", "runs/Nov27/events.out.tfevents", ".gitattributes", "tf_model.h5"),
)


def test_a_hub_id_fetches_one_format_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the hub's own filter: safetensors, configurations and tokenizers."""
    huggingface_hub = pytest.importorskip("huggingface_hub")
    fetched: list[str] = []

    def snapshot(_: str, *, revision: str | None, **patterns: list[str]) -> str:
        assert revision == "v2"
        fetched.extend(
            huggingface_hub.utils.filter_repo_objects([*REPOSITORY, *OTHERS], **patterns)
        )
        return str(tmp_path)

    monkeypatch.setattr(huggingface_hub, "snapshot_download", snapshot)
    assert locate("org/model@v2", tmp_path) == Location("directory", tmp_path)
    assert sorted(fetched) == sorted(REPOSITORY)


@pytest.mark.parametrize(
    ("source", "asked"),
    [
        ("org/model/model.Q4_0.gguf", ("org/model", "model.Q4_0.gguf", None)),
        ("org/model@v2/sub/model.gguf", ("org/model", "sub/model.gguf", "v2")),
    ],
    ids=["a file", "a file of a revision"],
)
def test_a_gguf_file_of_the_hub_is_fetched_alone(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    source: str,
    asked: tuple[str, str, str | None],
) -> None:
    """Of all its quantisations the one that is named."""
    huggingface_hub = pytest.importorskip("huggingface_hub")

    def download(repository: str, file: str, *, revision: str | None) -> str:
        assert (repository, file, revision) == asked
        return str(tmp_path / "model.gguf")

    monkeypatch.setattr(huggingface_hub, "hf_hub_download", download)
    assert locate(source, tmp_path) == Location("gguf", tmp_path / "model.gguf")
