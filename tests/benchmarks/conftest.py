"""Benchmarks are imported from their folder, as the example is from its own."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType

scripts = ModuleType("benchmarks")
scripts.__path__ = [str(Path(__file__).parents[2] / "benchmarks")]
sys.modules.setdefault(scripts.__name__, scripts)
