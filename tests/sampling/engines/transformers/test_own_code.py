"""Code that lies in a model's folder is never run, whatever the folder says, and whoever agrees."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from pytest_diversity.errors import CheckpointError
from pytest_diversity.features.embeddings import Embedder
from pytest_diversity.sampling.protocol import Engine

CODE = """
from pathlib import Path
from torch import nn
from transformers import LlamaForCausalLM, PretrainedConfig, PreTrainedTokenizerFast

Path({mark!r}).touch()

class Config(PretrainedConfig):
    model_type = "own"

class Model(LlamaForCausalLM): ...
class Tokenizer(PreTrainedTokenizerFast): ...
class Module(nn.Module): ...
"""
# What a folder's files say besides, so that something of `own.py` is asked for.
SAID: Mapping[str, tuple[str, Any]] = {
    "a kind of model of its own": (
        "config.json",
        {
            "model_type": "own",
            "auto_map": {"AutoConfig": "own.Config", "AutoModelForCausalLM": "own.Model"},
        },
    ),
    "a tokenizer of its own": (
        "tokenizer_config.json",
        {"tokenizer_class": "Tokenizer", "auto_map": {"AutoTokenizer": [None, "own.Tokenizer"]}},
    ),
}


@pytest.fixture
def mark(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file that the code makes; transformers, if it asks, is told yes."""
    monkeypatch.setattr("sys.stdin", io.StringIO("y\n" * 9))
    return tmp_path / "it ran"


def _plant(folder: Path, mark: Path, file: str, said: Mapping[str, Any]) -> None:
    (folder / "own.py").write_text(CODE.format(mark=str(mark)))
    read = json.loads((folder / file).read_text()) if (folder / file).exists() else {}
    (folder / file).write_text(json.dumps(read | dict(said)))


@pytest.mark.parametrize("case", SAID)
def test_a_model_with_code_is_refused(
    make_model: Callable[[Path], Path],
    load_engine: Callable[[Path], Engine],
    tmp_path: Path,
    mark: Path,
    case: str,
) -> None:
    """In a sentence that says so."""
    folder = make_model(tmp_path / "model")
    _plant(folder, mark, *SAID[case])
    with pytest.raises(CheckpointError, match="contains custom code"):
        load_engine(folder)
    assert not mark.exists()


def test_code_beside_a_model_that_needs_none_is_left_alone(
    make_model: Callable[[Path], Path],
    load_engine: Callable[[Path], Engine],
    tmp_path: Path,
    mark: Path,
) -> None:
    """As many models of the hub have it that transformers has come to know since."""
    folder = make_model(tmp_path / "model")
    _plant(folder, mark, "config.json", {"auto_map": {"AutoModelForCausalLM": "own.Model"}})
    load_engine(folder)
    assert not mark.exists()


@pytest.mark.long
def test_an_embedder_with_code_is_refused(
    make_model: Callable[[Path], Path], tmp_path: Path, mark: Path
) -> None:
    """The modules of sentence-transformers may name code, too."""
    folder = make_model(tmp_path / "model")
    _plant(folder, mark, "own.json", {})
    modules = [{"idx": 0, "name": "0", "path": "", "type": "own.Module"}]
    (folder / "modules.json").write_text(json.dumps(modules))
    with pytest.raises(CheckpointError):
        Embedder(folder)(["a text"])
    assert not mark.exists()
