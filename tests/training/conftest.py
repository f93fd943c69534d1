"""A small real model, and what is trained and gated of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.sampling.conftest import save_model

CONFIGURATION = """
[checkpoints]
base = "{base}"

[defaults]
reference = "base"
samples_per_prompt = 4
max_tokens = 12
device = "cpu"
dtype = "float32"

[domains.story]
kind = "prose"
prompts = "prompts.jsonl"
quality = "well_formed"
[domains.story.budget]
lexical = {{ {lexical} }}
effective = {{ max_drop = 0.9 }}
"""


@pytest.fixture(scope="session")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model directory."""
    return save_model(tmp_path_factory.mktemp("base"))


@pytest.fixture
def configuration(tmp_path: Path, base: Path) -> Path:
    """A configuration whose budgets nothing breaks."""
    return write(tmp_path, base)


def write(folder: Path, base: Path, lexical: str = "max_drop = 0.9") -> Path:
    """A `diversity.toml` with that budget on words."""
    prompts = [f'{{"id": "p{i}", "prompt": "the cat {i}"}}\n' for i in range(6)]
    (folder / "prompts.jsonl").write_text("".join(prompts))
    file = folder / "diversity.toml"
    file.write_text(CONFIGURATION.format(base=base, lexical=lexical))
    return file
