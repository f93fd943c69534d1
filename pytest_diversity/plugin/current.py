"""The run and the test that are going on, for assertions that are called without a fixture.

`assert_lexical_diversity(domain="code", min=0.4)` is a plain function in a plain test: nothing that
it is passed leads to the run's configuration or to the checkpoint under test. Both are context
variables rather than globals, for a run inside a run (pytester) must find its own.
"""

from __future__ import annotations

from contextvars import ContextVar
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:  # every pytest run imports this module
    from pytest_diversity.session import UnderTest

__all__ = ["path", "run", "test"]

# The configuration of the run.
run: ContextVar[pytest.Config | None] = ContextVar("diversity_run", default=None)
# The file of the test, by which the nearest configuration is found.
path: ContextVar[Path | None] = ContextVar("diversity_path", default=None)
# The session and the checkpoint of the test that takes the `diversity` fixture.
test: ContextVar[UnderTest | None] = ContextVar("diversity_test", default=None)
