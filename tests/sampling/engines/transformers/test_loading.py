"""Weights in 8 and 4 bits: loaded for real, and samples of their own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from pytest_diversity.config.options import Options
from pytest_diversity.config.values import Checkpoint
from pytest_diversity.errors import ConfigError
from pytest_diversity.sampling.engines.transformers import local
from pytest_diversity.sampling.engines.transformers.engine import TransformersEngine
from pytest_diversity.sampling.protocol import Setup
from tests.sampling.conftest import Said

pytest.importorskip("bitsandbytes")


@pytest.mark.parametrize(("bits", "most"), [("8bit", 0.5), ("4bit", 0.35)])
def test_weights_are_quantised(
    tmp_path: Path, make_model: Callable[..., Path], said: Said, bits: str, most: float
) -> None:
    """The layers take the room of their bits, and the key of a sample says so."""
    source = make_model(tmp_path / "model", hidden=128)
    options = Options(device="cpu", dtype="float32", store=tmp_path / "store.sqlite")
    setup = Setup(options, tmp_path, tmp_path, {})
    plain, fewer = (
        local.find(Checkpoint("m", str(source), quantization=q), setup) for q in (None, bits)
    )
    assert plain.identity != fewer.identity
    assert bits in fewer.identity.dtype
    sizes = []
    for model in (plain, fewer):
        engine = model.load(said)
        assert isinstance(engine, TransformersEngine)
        layers = engine._drawer.model.model.layers
        sizes.append(sum(p.nbytes for p in layers.parameters()))
        engine.close()
    assert sizes[1] < most * sizes[0]


@pytest.mark.parametrize("bits", ["8bit", "4bit"])
@pytest.mark.parametrize("look", [local.find, local.check], ids=["found", "checked"])
def test_quantised_weights_promise_no_text(
    tmp_path: Path, bits: str, look: Callable[[Checkpoint, Setup], object]
) -> None:
    """Their samples depend on the batch, so that the promise is refused before anything is read."""
    setup = Setup(Options(deterministic=True), tmp_path, tmp_path, {})
    with pytest.raises(ConfigError, match=f"deterministic cannot be kept with {bits} weights.*; l"):
        look(Checkpoint("m", "m", quantization=bits), setup)
