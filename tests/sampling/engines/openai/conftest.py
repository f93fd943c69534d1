"""A scripted server, and sessions whose checkpoint is on a server."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx2  # first here: pytester would forget it after the run in this process that needs it
import pytest

from pytest_diversity.config.options import Options
from pytest_diversity.config.server import Endpoint
from pytest_diversity.config.values import Checkpoint, Config, Domain, Generation
from pytest_diversity.workspace import Workspace
from tests.workspaces import workspace_of

from .scripted import PROMPTS, Scripted

__all__ = ["httpx2"]


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Scripted]:
    """A server that completes whatever it is asked, until it is told otherwise."""
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    one = Scripted()
    yield one
    with suppress(OSError):
        one.stop()


@pytest.fixture
def open_session(tmp_path: Path) -> Iterator[Callable[..., Workspace]]:
    """A function that opens a session with a checkpoint `m` at a URL, and a store of its own."""
    lines = (json.dumps({"id": f"p{i}", "prompt": text}) for i, text in enumerate(PROMPTS))
    (tmp_path / "prompts.jsonl").write_text("\n".join(lines))
    opened: list[Workspace] = []

    def open_one(
        source: str,
        count: int = 3,
        *,
        server: Endpoint | None = None,
        prompts: int | None = None,
        **settings: Any,
    ) -> Workspace:
        domain = Domain(
            "d",
            prompts="prompts.jsonl",
            max_prompts=prompts,
            samples_per_prompt=count,
            generation=Generation(**{"max_tokens": 8, **settings}),
            root=tmp_path,
        )
        checkpoint = Checkpoint("m", source, server=server or Endpoint(retries=3))
        config = Config(checkpoints={"m": checkpoint}, domains={"d": domain}, selected=("m",))
        options = Options(store=tmp_path / "store/samples.sqlite")
        opened.append(workspace_of(config, options, tmp_path))
        return opened[-1]

    yield open_one
    for one in opened:
        one.close()
