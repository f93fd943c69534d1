"""What is done for a release is imported from its folder, as the example is from its own."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType

scripts = ModuleType("release")
scripts.__path__ = [str(Path(__file__).parents[2] / "release")]
sys.modules.setdefault(scripts.__name__, scripts)
