"""The walls that there are; `tiers.py` finds out which of them hold."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["BARRIERS", "UNSAFE", "Tier"]

BARRIERS = ("landlock", "bubblewrap", "no-open")  # in the order in which they are preferred


@dataclass(frozen=True)
class Tier:
    """The walls around a program, beside the system-call filter and the resource limits.

    Attributes:
        barrier: What keeps files: `landlock`, `bubblewrap`, `no-open`, or `none` (unsafe).
        abi: The Landlock ABI to use at most; None for the kernel's.
    """

    barrier: str
    abi: int | None = None

    def __str__(self) -> str:
        """As a report's header says it."""
        if self.barrier == "none":
            return "WARNING model-generated code runs WITHOUT a sandbox (--diversity-unsafe-code)"
        abi = "" if self.abi is None else f"(abi {self.abi})"
        return f"seccomp + {self.barrier}{abi}"


UNSAFE = Tier("none")
