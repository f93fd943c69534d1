"""What several rooms of tests share: recorded samples whose diversity is chosen."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import settings

# Imported here once and for all: pytester forgets what is first imported in a run in this process,
# and numpy cannot be loaded twice.
import pytest_diversity.plugin.collector
from pytest_diversity.features.syntax import analyse
from pytest_diversity.metrics import definitions

__all__ = ["pytest_diversity", "record"]

pytest_plugins = ["pytester"]

analyse("", "python")
definitions()

# How long an example takes says more of the machine than of the code.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")

WORDS = tuple("abcdefghijklmnopqrstuvwxyz")


def text(*identity: object, length: int = 12) -> str:
    """A text of its own for each `identity`, the same in every run."""
    chosen = random.Random(repr(identity)).choices(WORDS, k=length)  # noqa: S311 - no secret
    return " ".join(chosen)


@pytest.fixture(scope="session")
def record() -> Callable[..., Path]:
    """A function that writes a `replay:` file: `different` texts among the samples of a prompt."""

    def write(
        path: Path,
        *,
        different: int = 4,
        prompts: int = 8,
        samples: int = 4,
        domain: str | None = None,
        first: int = 0,
    ) -> Path:
        lines = [
            {
                "prompt": f"p{prompt}",
                "index": index,
                "text": text(path.stem, prompt, index % different),
                **({"domain": domain} if domain else {}),
            }
            for prompt in range(first, first + prompts)
            for index in range(samples)
        ]
        path.write_text("".join(f"{json.dumps(line)}\n" for line in lines), encoding="utf-8")
        return path

    return write
