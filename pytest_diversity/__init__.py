"""Diversity regression testing for language models.

Importing the package imports nothing heavy: each public name is loaded when it is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pytest_diversity import metrics
    from pytest_diversity.config.quality import Quality
    from pytest_diversity.config.values import Checkpoint, Domain, Generation
    from pytest_diversity.domains import register_kind
    from pytest_diversity.errors import BudgetFailure, DiversityError
    from pytest_diversity.estimate import Comparison, Estimate, measure
    from pytest_diversity.features import Kind
    from pytest_diversity.judges.registry import register_judge
    from pytest_diversity.metrics import register_metric
    from pytest_diversity.plugin.assertions import (
        Bounds,
        Diversity,
        assert_effective_diversity,
        assert_lexical_diversity,
        assert_no_diversity_regression,
        assert_quality,
        assert_semantic_diversity,
        assert_syntactic_diversity,
    )
    from pytest_diversity.profiles import DomainProfile, profile
    from pytest_diversity.samples import Sample, SampleSet
    from pytest_diversity.sampling.engines.registered import register_sampler
    from pytest_diversity.sampling.protocol import Request
    from pytest_diversity.verdict import Verdict

_HOMES = {
    "Bounds": "pytest_diversity.plugin.assertions",
    "BudgetFailure": "pytest_diversity.errors",
    "Checkpoint": "pytest_diversity.config.values",
    "Comparison": "pytest_diversity.estimate",
    "Diversity": "pytest_diversity.plugin.assertions",
    "DiversityError": "pytest_diversity.errors",
    "Domain": "pytest_diversity.config.values",
    "DomainProfile": "pytest_diversity.profiles",
    "Estimate": "pytest_diversity.estimate",
    "Generation": "pytest_diversity.config.values",
    "Kind": "pytest_diversity.features",
    "Quality": "pytest_diversity.config.quality",
    "Request": "pytest_diversity.sampling.protocol",
    "Sample": "pytest_diversity.samples",
    "SampleSet": "pytest_diversity.samples",
    "Verdict": "pytest_diversity.verdict",
    "assert_effective_diversity": "pytest_diversity.plugin.assertions",
    "assert_lexical_diversity": "pytest_diversity.plugin.assertions",
    "assert_no_diversity_regression": "pytest_diversity.plugin.assertions",
    "assert_quality": "pytest_diversity.plugin.assertions",
    "assert_semantic_diversity": "pytest_diversity.plugin.assertions",
    "assert_syntactic_diversity": "pytest_diversity.plugin.assertions",
    "measure": "pytest_diversity.estimate",
    "metrics": "pytest_diversity",
    "profile": "pytest_diversity.profiles",
    "register_judge": "pytest_diversity.judges.registry",
    "register_kind": "pytest_diversity.domains",
    "register_metric": "pytest_diversity.metrics",
    "register_sampler": "pytest_diversity.sampling.engines.registered",
}

__all__ = [
    "Bounds",
    "BudgetFailure",
    "Checkpoint",
    "Comparison",
    "Diversity",
    "DiversityError",
    "Domain",
    "DomainProfile",
    "Estimate",
    "Generation",
    "Kind",
    "Quality",
    "Request",
    "Sample",
    "SampleSet",
    "Verdict",
    "assert_effective_diversity",
    "assert_lexical_diversity",
    "assert_no_diversity_regression",
    "assert_quality",
    "assert_semantic_diversity",
    "assert_syntactic_diversity",
    "measure",
    "metrics",
    "profile",
    "register_judge",
    "register_kind",
    "register_metric",
    "register_sampler",
]


if not TYPE_CHECKING:  # who checks types would take every name for one that is there

    def __getattr__(name: str) -> Any:
        if name not in _HOMES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        home = _HOMES[name]
        if home == __name__:
            value = import_module(f"{home}.{name}")
        else:
            value = getattr(import_module(home), name)
        globals()[name] = value
        return value


def __dir__() -> list[str]:
    return sorted(__all__)
