"""What an actor of a cluster loads, without a cluster."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pytest_diversity.config.options import Options
from pytest_diversity.config.values import Checkpoint
from pytest_diversity.sampling.engines.ray.actor import Actor, Placed
from pytest_diversity.sampling.engines.transformers.local import LocalModel
from pytest_diversity.sampling.protocol import Setup


@pytest.mark.parametrize("deterministic", [False, True])
def test_what_the_run_promises_reaches_the_nodes(
    tiny: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    deterministic: bool,  # noqa: FBT001
) -> None:
    """An actor's model is as deterministic as one of this machine."""
    loaded: list[bool] = []

    def load(model: LocalModel, _: Any) -> None:
        loaded.append(model.deterministic)

    monkeypatch.setattr(LocalModel, "load", load)
    options = Options(device="cpu", dtype="float32", deterministic=deterministic)
    checkpoint = Checkpoint("m", str(tiny))
    identity = LocalModel.find(checkpoint, Setup(options, tmp_path, tmp_path, {})).identity
    actor = Actor(Placed(checkpoint, options, tmp_path, tmp_path, identity))
    assert actor.ready() == []
    assert loaded == [deterministic]
