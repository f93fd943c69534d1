"""A project whose reference is what was recorded."""

from __future__ import annotations

import pytest

from .recordings import CONFIG


@pytest.fixture
def project(project: pytest.Pytester) -> pytest.Pytester:
    """Budgets that are judged against what was recorded of the checkpoint before."""
    options = "--strict-markers -p no:cacheprovider"
    project.makeini(f"[pytest]\nfilterwarnings = error\naddopts = {options}\n")
    (project.path / "diversity.toml").write_text(CONFIG)
    return project
