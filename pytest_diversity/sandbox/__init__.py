"""Runs generated programs, which are hostile until proven otherwise, and says what they did.

    with Sandbox() as sandbox:
        for execution in sandbox.run(programs):
            execution.valid, execution.meaning, execution.correct

`docs/sandbox.md` says what is promised. Importing this package starts and imports nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .failures import CheckError, HarnessError, SandboxUnavailable
    from .model import Execution, Limits, Outcome, Program
    from .sandbox import Sandbox, fingerprint
    from .tiers import find_tier
    from .walls import Tier

__all__ = [
    "CheckError",
    "Execution",
    "HarnessError",
    "Limits",
    "Outcome",
    "Program",
    "Sandbox",
    "SandboxUnavailable",
    "Tier",
    "find_tier",
    "fingerprint",
]

_HOMES = {
    "model": ("Execution", "Limits", "Outcome", "Program"),
    "failures": ("CheckError", "HarnessError", "SandboxUnavailable"),
    "tiers": ("find_tier",),
    "walls": ("Tier",),
    "sandbox": ("Sandbox", "fingerprint"),
}


def __getattr__(name: str) -> object:
    for home, names in _HOMES.items():
        if name in names:
            return getattr(import_module(f"{__name__}.{home}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
