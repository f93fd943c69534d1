"""Whether a checkpoint could be drawn from, and what the store lacks of it: nothing is loaded."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from pytest_diversity.config.options import Options
from pytest_diversity.config.values import Checkpoint, Domain
from pytest_diversity.errors import CheckpointError, MissingExtraError
from pytest_diversity.findings import DoubtError
from pytest_diversity.prompts import Prompt
from pytest_diversity.report.progress import Console, showing
from pytest_diversity.sampling.sampler import Sampler
from pytest_diversity.store.sqlite import Store


@pytest.fixture
def sampler(tmp_path: Path) -> Sampler:
    """With a store of its own, on the CPU."""
    store = Store(tmp_path / "store/samples.sqlite")
    options = Options(device="cpu", dtype="float32", store=store.path)
    return Sampler(options, tmp_path, store, showing(Console))


def test_how_a_model_is_spoken_to(
    sampler: Sampler, tiny: Path, make_model: Callable[..., Path], tmp_path: Path
) -> None:
    """Its own template is said; one without is doubted, unless the checkpoint says so."""
    assert sampler.ready(Checkpoint("m", str(tiny))) == "its own chat template"
    plain = str(make_model(tmp_path / "plain", template=False))
    with pytest.raises(DoubtError, match="has no chat template: prompts are given as plain text"):
        sampler.ready(Checkpoint("m", plain))
    assert sampler.ready(Checkpoint("m", plain, template="none")) == "without a chat template"


@pytest.mark.parametrize("extra", ["quantized", "gguf"])
def test_a_library_that_is_not_installed(
    sampler: Sampler, tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, extra: str
) -> None:
    """It is missed before the weights are loaded, and the extra is named."""
    (tmp_path / "m.gguf").write_bytes(b"GGUF")
    package, checkpoint = {
        "quantized": ("bitsandbytes", Checkpoint("m", str(tiny), quantization="4bit")),
        "gguf": ("gguf", Checkpoint("m", "m.gguf")),
    }[extra]
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(MissingExtraError, match=rf"needs the package '{package}'.*\[{extra}\]"):
        sampler.ready(checkpoint)


def test_a_model_on_the_hub(sampler: Sampler, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is asked for and not downloaded; of what is not here, the store has nothing."""
    hub = pytest.importorskip("huggingface_hub")
    asked: list[str] = []

    def not_here(*_: object, **how: bool) -> str:
        assert how["local_files_only"]
        raise FileNotFoundError

    def info(_: object, repository: str, **__: object) -> None:
        asked.append(repository)
        if repository == "org/none":
            raise OSError("404")

    monkeypatch.setattr(hub, "snapshot_download", not_here)
    monkeypatch.setattr(hub.HfApi, "model_info", info)
    with pytest.raises(DoubtError, match="org/model is on the hub, and not on this machine"):
        sampler.ready(Checkpoint("m", "org/model"))
    with pytest.raises(CheckpointError, match="neither a directory here nor found on the hub: 404"):
        sampler.ready(Checkpoint("m", "org/none"))
    assert asked == ["org/model", "org/none"]
    domain = Domain("d", samples_per_prompt=3)
    prompts = {"p": Prompt("a", "p"), "q": Prompt("b", "q")}
    lacking = sampler.lacking(Checkpoint("m", "org/model"), domain, prompts)
    assert [request.numbers for request in lacking] == [(0, 1, 2)] * 2
