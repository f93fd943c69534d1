"""Diversity regression testing for language models.

Importing the package imports nothing heavy: each public name is loaded when it is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pytest_diversity import metrics
    from pytest_diversity.errors import BudgetFailure, DiversityError
    from pytest_diversity.measure import Estimate, measure
    from pytest_diversity.samples import Sample, SampleSet

_HOMES = {
    "BudgetFailure": "pytest_diversity.errors",
    "DiversityError": "pytest_diversity.errors",
    "Estimate": "pytest_diversity.measure",
    "Sample": "pytest_diversity.samples",
    "SampleSet": "pytest_diversity.samples",
    "measure": "pytest_diversity.measure",
    "metrics": "pytest_diversity",
}

__all__ = [
    "BudgetFailure",
    "DiversityError",
    "Estimate",
    "Sample",
    "SampleSet",
    "measure",
    "metrics",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    home = _HOMES[name]
    value = (
        import_module(f"{home}.{name}") if home == __name__ else getattr(import_module(home), name)
    )
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
