"""One sandbox for the tests that only need an ordinary one."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from pytest_diversity.sandbox import Limits, Sandbox


@pytest.fixture(scope="session")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(limits=Limits(cpu=0.5, wall=5.0), workers=2) as sandbox:
        yield sandbox
