"""The example is imported from its folder; with all of the repository on the path, no wheel is."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType

example = ModuleType("example_project")
example.__path__ = [str(Path(__file__).parents[2] / "example_project")]
sys.modules.setdefault(example.__name__, example)
