"""What a metric measures and a budget is named after."""

from __future__ import annotations

__all__ = ["FAMILIES"]

FAMILIES = ("lexical", "syntactic", "semantic", "effective", "quality")
