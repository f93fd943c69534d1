"""`--diversity-doctor`: everything is looked at, whatever was broken before it."""

from __future__ import annotations

import json
import os
import struct
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest

# Imported here once: pytester forgets what is first imported in a run in this process.
import safetensors
import torch
import transformers

from pytest_diversity.store.sqlite import Store

__all__ = ["safetensors", "torch", "transformers"]

SOUND = """
[checkpoints]
base = "replay:base.jsonl"
dpo = "replay:dpo.jsonl"
[defaults]
reference = "base"
[domains.talk]
samples_per_prompt = 4
[domains.talk.budget]
lexical = { min = 0.1, max_drop = "20%" }
"""


@pytest.fixture
def doctor(
    project: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., tuple[int, str]]:
    """Asks the doctor of a project: the exit code, and all of its lines as one."""
    monkeypatch.setenv("COLUMNS", "80")

    def ask(text: str | None, *arguments: str) -> tuple[int, str]:
        if text is not None:
            (project.path / "diversity.toml").write_text(text)
        result = project.runpytest_inprocess("--diversity-doctor", *arguments)
        assert not [line for line in result.outlines if len(line) > 80]
        return int(result.ret), " ".join(" ".join(result.outlines).split())

    return ask


def test_a_sound_project(doctor: Callable[..., tuple[int, str]], project: pytest.Pytester) -> None:
    """A line for each thing, exit code 0, and nothing is drawn or left behind."""
    code, said = doctor(SOUND)
    assert code == 0
    assert "FAIL" not in said
    for line in (
        "ok diversity.toml: 2 checkpoints, 1 budget",
        "ok machine: pytest-diversity ",
        "ok extras: ",
        "ok store: .diversity/samples.sqlite, made by the first run that draws",
        "ok checkpoint base: recorded, 32 samples of 8 prompts",
        "ok domain talk: the prompts of its samples, gated: lexical",
    ):
        assert line in said
    assert not (project.path / ".diversity").exists()


def test_no_configuration(doctor: Callable[..., tuple[int, str]]) -> None:
    """It says so, and looks at the machine all the same."""
    code, said = doctor(None)
    assert code == 0
    assert "warn diversity.toml: there is none here" in said
    assert "fix: pytest --diversity-init writes one" in said
    assert "ok extras: " in said


def _cut(folder: Path, hollow: Callable[[Path], Path]) -> None:
    (hollow(folder / "m") / "model.safetensors").write_bytes(struct.pack("<Q", 2000) + b"{}")


def _pointer(folder: Path, hollow: Callable[[Path], Path]) -> None:
    model = hollow(folder / "m")
    (model / "model.safetensors").write_text("version https://git-lfs.github.com/spec/v1\n")
    (model / "tokenizer.json").unlink()


def _shard(folder: Path, hollow: Callable[[Path], Path]) -> None:
    index = {"weight_map": {"a": "model.safetensors", "b": "model-2.safetensors"}}
    (hollow(folder / "m") / "model.safetensors.index.json").write_text(json.dumps(index))


def _adapter(folder: Path, hollow: Callable[[Path], Path]) -> None:
    model = hollow(folder / "m")
    (model / "config.json").unlink()
    (model / "model.safetensors").rename(model / "adapter_model.safetensors")
    settings = {"peft_type": "LORA", "base_model_name_or_path": "/gone/base"}
    (model / "adapter_config.json").write_text(json.dumps(settings))


def _unreadable(folder: Path, hollow: Callable[[Path], Path]) -> None:
    hollow(folder / "m")


def _gguf(folder: Path, _: object) -> None:
    (folder / "m.gguf").write_text("version https://git-lfs.github.com/spec/v1\n")


def _prompts(folder: Path, _: object) -> None:
    (folder / "p.jsonl").write_text('{"prompt": "a"}\n{"promt": "b"}\n')


def _no_store(folder: Path, _: object) -> None:
    (folder / ".diversity").mkdir()
    (folder / ".diversity/samples.sqlite").write_text("no database at all")


def _file_in_place_of_a_folder(folder: Path, _: object) -> None:
    (folder / ".diversity").write_text("no folder")


def _baseline(folder: Path, _: object) -> None:
    (folder / "tests/__diversity__").mkdir(parents=True)
    (folder / "tests/__diversity__/talk.json").write_text('{"schema": 99}')


def _nothing(_: Path, __: object) -> None:
    pass


Make = Callable[[Path, Callable[[Path], Path]], None]
# name -> (what is made, what is added to or put in place in a sound file, what must be said)
BROKEN: Mapping[str, tuple[Make, tuple[str, str], Sequence[str]]] = {
    "weights that were cut off": (
        _cut,
        ("replay:dpo.jsonl", "m"),
        ["FAIL checkpoint dpo: diversity.toml:4: m/model.safetensors cannot be read", "fix: copy"],
    ),
    "a pointer of git lfs, and no tokenizer": (
        _pointer,
        ("replay:dpo.jsonl", "m"),
        ["m/model.safetensors cannot be read", "'m' has no tokenizer", "git lfs pull"],
    ),
    "a missing shard": (
        _shard,
        ("replay:dpo.jsonl", "m"),
        ["m has no model-2.safetensors, which its index names"],
    ),
    "a GGUF file that only stands for one": (
        _gguf,
        ("replay:dpo.jsonl", "m.gguf"),
        ["checkpoint m.gguf is no GGUF file; copy", "FAIL checkpoint dpo"],
    ),
    "an adapter whose base is gone": (
        _adapter,
        ("replay:dpo.jsonl", "m"),
        ["is an adapter, and its base '/gone/base' is not here", "fix: write { model ="],
    ),
    "a tokenizer that cannot be loaded": (
        _unreadable,
        ("replay:dpo.jsonl", "m"),
        ["FAIL checkpoint dpo: checkpoint m cannot be loaded"],
    ),
    "a model and an adapter that are nowhere": (
        _nothing,
        ('dpo = "replay:dpo.jsonl"', 'dpo = { model = "./none", adapter = "./nor" }'),
        ["none does not exist", "nor does not exist"],
    ),
    "a recording that is not there": (
        _nothing,
        ("replay:dpo.jsonl", "replay:none.jsonl"),
        ["none.jsonl does not exist", "fix: check the path"],
    ),
    "a line of the prompts": (
        _prompts,
        ("[domains.talk]", '[domains.talk]\nprompts = "p.jsonl"'),
        ["FAIL domain talk: p.jsonl:2: the prompt has no text, or several", 'fix: add "prompt"'],
    ),
    "an embedder that is not there": (
        _nothing,
        ("[domains.talk]", '[domains.talk]\nembedder = "./none"'),
        ["FAIL domain talk: diversity.toml:8: embedder './none'"],
    ),
    "a judge whose module fails": (
        _nothing,
        ("[domains.talk]", '[domains.talk]\nquality = "callable:no_such_module:judge"'),
        ["cannot be found: ModuleNotFoundError: No module named 'no_such_module'"],
    ),
    "a server that does not listen": (
        _nothing,
        ("replay:dpo.jsonl", "http://127.0.0.1:9/v1#m"),
        ["FAIL checkpoint dpo: the server http://127.0.0.1:9/v1 cannot be reached", "fix: start"],
    ),
    "a store that is none": (
        _no_store,
        ("", ""),
        ["FAIL store: the store .diversity/samples.sqlite failed: file is not a database"],
    ),
    "a store that cannot be made": (
        _file_in_place_of_a_folder,
        ("", ""),
        ["FAIL store: ", "fix: name a"],
    ),
    "a baseline of a later version": (
        _baseline,
        ("", ""),
        ["FAIL baseline talk: tests/__diversity__/talk.json:1: schema 99 is from a newer"],
    ),
    "a baseline that was never recorded": (
        _nothing,
        ('reference = "base"', 'reference = "baseline"'),
        ["FAIL baseline talk: no baseline of base in tests/__diversity__/talk.json", "record-new"],
    ),
    "a device that is not here": (
        _nothing,
        ("[defaults]", '[defaults]\ndevice = "cudda"'),
        ["FAIL device: diversity.toml:6: unknown device 'cudda'", "fix: one of auto, cuda"],
    ),
    "an engine that is not there": (
        _nothing,
        ("[defaults]", '[defaults]\nengine = "vlm"'),
        ["FAIL engine: diversity.toml:6: unknown engine 'vlm'", "did you mean 'vllm'?"],
    ),
    "several keys of the file": (
        _nothing,
        ("[domains.talk]", '[domains.talk]\nkindd = "prose"\ntemperature = -1\nmode = "odd"'),
        ["unknown key of domain 'talk', 'kindd'", "'temperature' must be", "unknown mode 'odd'"],
    ),
    "a model of surprise that is not there": (
        _nothing,
        ("[domains.talk]", '[domains.talk]\nsurprise = "./gone"'),
        ["FAIL domain talk: diversity.toml:8: base model './gone'"],
    ),
    "a file that is not TOML": (
        _nothing,
        ("[domains.talk]", "[domains.talk"),
        ["FAIL diversity.toml:7: not TOML", "fix: correct that line"],
    ),
}


@pytest.mark.parametrize("case", BROKEN)
def test_what_is_broken(
    doctor: Callable[..., tuple[int, str]],
    project: pytest.Pytester,
    hollow_model: Callable[[Path], Path],
    case: str,
) -> None:
    """It is named with its fix in 80 columns, the exit code says so, and the rest is looked at."""
    make, change, expected = BROKEN[case]
    make(project.path, hollow_model)
    code, said = doctor(SOUND.replace(*change) if change[0] else SOUND)
    assert code == 1
    assert [one for one in expected if one.replace("; ", " fix: ") not in said] == []
    assert "ok machine: " in said
    if "[domains.talk\n" not in (project.path / "diversity.toml").read_text():
        assert "ok checkpoint base: recorded, " in said


def test_a_variable_of_the_environment(
    doctor: Callable[..., tuple[int, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A misspelt one is no reason not to look at the rest."""
    monkeypatch.setenv("PYTEST_DIVERSITY_DTYP", "float32")
    code, said = doctor(SOUND)
    assert code == 1
    assert "FAIL options: unknown environment variable 'PYTEST_DIVERSITY_DTYP'" in said
    assert "ok domain talk: " in said


def test_a_store_that_can_only_be_read(
    doctor: Callable[..., tuple[int, str]],
    project: pytest.Pytester,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What is in it serves, so that it is a warning."""
    store = Store(project.path / ".diversity/samples.sqlite")
    store.facts["a"] = "b"
    store.close()
    allowed = os.access

    def no_writing(path: str, mode: int) -> bool:
        return allowed(path, mode) and not (mode & os.W_OK and ".diversity" in str(path))

    monkeypatch.setattr(os, "access", no_writing)  # root may write anywhere
    code, said = doctor(SOUND)
    assert code == 0
    assert "warn store: the store .diversity/samples.sqlite can only be read" in said


def test_a_damaged_store(doctor: Callable[..., tuple[int, str]], project: pytest.Pytester) -> None:
    """A value that is not what was written is found."""
    store = Store(project.path / ".diversity/samples.sqlite")
    store.facts["a"] = "b"
    with store.transaction() as connection:
        connection.execute("UPDATE memory SET digest = digest + 1")
    store.close()
    code, said = doctor(SOUND)
    assert code == 1
    assert "FAIL store: the store .diversity/samples.sqlite is damaged fix: save what" in said


def test_a_library_that_is_not_installed(
    doctor: Callable[..., tuple[int, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where a budget needs it; the extra that brings it is named."""
    monkeypatch.setitem(sys.modules, "sentence_transformers", None)
    code, said = doctor(SOUND + "semantic = { min = 0.1 }\n")
    assert code == 1
    assert "FAIL embedder: embedding_distance needs the package 'sentence-transformers'" in said
    assert "pip install 'pytest-diversity[embeddings]'" in said


def test_a_stale_baseline(doctor: Callable[..., tuple[int, str]], project: pytest.Pytester) -> None:
    """Recorded in another way than it would be compared with now."""
    text = SOUND.replace('reference = "base"', 'reference = "baseline"')
    (project.path / "diversity.toml").write_text(text)
    project.runpytest_inprocess("--diversity-record").assert_outcomes(passed=2)
    code, said = doctor(text)
    assert code == 0
    assert "ok baseline talk: of base, dpo" in said
    code, said = doctor(text.replace("[domains.talk]", "[domains.talk]\ntemperature = 0.5"))
    assert code == 1
    assert "cannot be compared with: temperature was 1.0, now 0.5" in said


def test_several_configurations(
    doctor: Callable[..., tuple[int, str]], project: pytest.Pytester
) -> None:
    """All that a run would collect are looked at, and one that is named, alone."""
    (project.path / "below").mkdir()
    (project.path / "below/diversity.toml").write_text('[checkpoints]\nx = "./none"\n')
    code, said = doctor(SOUND)
    assert code == 1
    assert "ok domain talk" in said
    assert "FAIL checkpoint x" in said
    code, said = doctor(None, "--diversity-config=diversity.toml", "-n", "2")
    assert code == 0
    assert "checkpoint x" not in said
