"""A change of effective diversity, split into quality and narrowing: message, verdict, budgets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeAlias

import pytest

from pytest_diversity import Comparison, Estimate, measure
from pytest_diversity.config.budget import Budget, Change
from pytest_diversity.errors import ConfigError
from pytest_diversity.gate.bounds import Gate, check_reachable
from pytest_diversity.gate.decide import decide
from pytest_diversity.metrics import parse
from pytest_diversity.verdict import Verdict

Side: TypeAlias = Sequence[tuple[int, int]]

# Of each of eight prompts how many of eight answers are valid, and how many meanings these have.
HEALTHY: Side = [(6, 6), (5, 4), (8, 7), (6, 5), (7, 7), (6, 4), (5, 5), (8, 8)]
FEWER: Side = [(3, 3), (3, 3), (4, 4), (3, 3), (4, 4), (3, 2), (2, 2), (4, 4)]
ALIKE: Side = [(6, 2), (5, 2), (8, 2), (6, 2), (7, 2), (6, 1), (5, 2), (8, 3)]
BOTH: Side = [(3, 1), (3, 2), (4, 2), (3, 1), (4, 2), (3, 1), (2, 1), (4, 2)]


def effective(side: Side) -> Estimate:
    """Effective diversity of answers whose validity and meanings are given."""
    names = [f"p{i}" for i in range(len(side))]
    texts = {name: [f"{name} {i}" for i in range(8)] for name in names}
    valid = {n: [i < m for i in range(8)] for n, (m, _) in zip(names, side, strict=True)}
    labels = {n: [i % c for i in range(8)] for n, (_, c) in zip(names, side, strict=True)}
    known = {"valid": valid, "labels": labels}
    return measure(texts, "effective_pairs()", domain="code", given=known)


def judged(before: Estimate, after: Estimate, bound: str, share: float) -> Verdict:
    """The verdict of a budget on the change."""
    changes: dict[str, Any] = {bound: Change(share, relative=True)}
    budget = Budget(reference="base", **changes)
    reference = Comparison("base", before, after)
    return decide(Gate("dpo", "code", "effective", budget), after, reference=reference)


MOVED: Mapping[str, tuple[Side, str]] = {
    "fewer valid answers": (FEWER, "quality moved"),
    "valid answers more alike": (ALIKE, "narrowing moved"),
    "both": (BOTH, "quality and narrowing moved"),
    "nothing": (HEALTHY, "neither surely moved"),
}


@pytest.mark.parametrize("case", MOVED)
def test_which_part_moved(case: str) -> None:
    """The message shows both parts with their intervals; the verdict has them as numbers."""
    side, moved = MOVED[case]
    before, after = effective(HEALTHY), effective(side)
    verdict = judged(before, after, "max_drop", 0.1)
    [line] = [one for one in verdict.details if one.startswith("loss ")]
    assert line.endswith(moved)
    assert (verdict.moved == line) is (case != "nothing")
    assert Verdict.from_dict(verdict.as_dict()) == verdict
    loss = (before.value or 0) - (after.value or 0)
    assert sum(part["loss"] or 0 for part in verdict.split.values()) == pytest.approx(loss)


BUDGETS: Mapping[str, tuple[Side, str, str]] = {
    "fewer valid answers are no narrowing": (FEWER, "max_narrowing", "pass"),
    "fewer valid answers are a loss of quality": (FEWER, "max_quality_loss", "fail"),
    "answers more alike are a narrowing": (ALIKE, "max_narrowing", "fail"),
    "answers more alike are no loss of quality": (ALIKE, "max_quality_loss", "pass"),
}


@pytest.mark.parametrize("case", BUDGETS)
def test_a_budget_may_name_a_part(case: str) -> None:
    """It is tested on its own, whatever the other part does."""
    side, bound, status = BUDGETS[case]
    verdict = judged(effective(HEALTHY), effective(side), bound, 0.1)
    assert verdict.status == status


def test_a_part_of_a_reference_without_its_quality() -> None:
    """As of an older baseline: never a pass."""
    before = replace(effective(HEALTHY), quality={})
    verdict = judged(before, effective(HEALTHY), "max_narrowing", 0.1)
    assert verdict.status == "undefined"
    assert "how many answers of the reference were valid is not known" in verdict.message
    assert verdict.split == {}


def test_a_part_of_another_metric_is_refused() -> None:
    """Only a product with a quality has parts."""
    budget = Budget(max_narrowing=Change(0.1, relative=True), reference="base")
    with pytest.raises(ConfigError, match="max_narrowing needs a metric whose changes can be spl"):
        check_reachable(budget, parse("pair_semantic"))
