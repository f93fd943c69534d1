"""Which judge says what an answer is, between two models."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from pytest_diversity import measure, register_judge
from pytest_diversity.config.quality import Quality
from pytest_diversity.config.values import Domain
from pytest_diversity.domains.bar import same_bar
from pytest_diversity.domains.build import features_of
from pytest_diversity.domains.prose import PROSE
from pytest_diversity.features import Features
from pytest_diversity.metrics import parse
from pytest_diversity.samples import SampleSet

METRIC = parse("validity")
NAMES = ("base", "dpo")
GOOD, BAD = "an answer indeed", "rambling on and on"


@pytest.fixture(autouse=True)
def rough(monkeypatch: pytest.MonkeyPatch) -> None:
    """A judge of ours in the place of the rough one."""

    def answers(_: str, text: str) -> float:
        return float(text.startswith("an answer"))

    monkeypatch.setattr("pytest_diversity.judges.registry._registered", {})
    register_judge(answers, version="1", threshold=0.5)
    monkeypatch.setattr(
        "pytest_diversity.domains.prose.PROSE",
        type(PROSE)(
            **{name: getattr(PROSE, name) for name in PROSE.__slots__} | {"rough": "answers"}
        ),
    )


def features(good: int, quality: Quality | None = None) -> Features:
    """Of 20 prompts with 10 answers each, `good` of which are some."""
    texts: Mapping[str, list[str]] = {
        f"Prompt {n}": [f"{GOOD if i < good else BAD} {i}" for i in range(10)] for n in range(20)
    }
    return features_of(SampleSet.of(texts), Domain("d", quality=quality))


def test_models_that_answer_alike_are_judged_by_form() -> None:
    """The rough judge's errors are no change of theirs; what it saw is said."""
    old, new, said = same_bar(METRIC, features(9), features(8), NAMES)
    assert new["valid"]["Prompt 0"] == old["valid"]["Prompt 0"] == [True] * 10
    assert said == (
        "answers its prompt: base 0.90, dpo 0.80; nearer than the rough judge answers can tell "
        "(0.15), so valid by well_formed"
    )


def test_where_one_hardly_answers_the_rough_judge_decides() -> None:
    """On both sides, and the message says so."""
    old, new, said = same_bar(METRIC, features(2), features(9), NAMES)
    assert sum(old["valid"]["Prompt 0"]) == 2
    assert sum(new["valid"]["Prompt 0"]) == 9
    assert said == (
        "answers its prompt: base 0.20, dpo 0.90; further apart than the rough judge answers errs "
        "(0.15), so valid by it"
    )


def test_a_judge_that_is_named_decides() -> None:
    """On both sides, and nothing else is asked."""
    asked = features(2), features(9, Quality("answers"))
    old, new, said = same_bar(METRIC, *asked, NAMES)
    assert (sum(old["valid"]["Prompt 0"]), sum(new["valid"]["Prompt 0"])) == (2, 9)
    assert said == ""


def test_other_metrics_have_no_bar() -> None:
    """Words are counted whether they answer or not."""
    pair = features(2), features(9)
    assert same_bar(parse("distinct(n=1)"), *pair, NAMES)[2] == ""


def test_a_judge_that_nobody_asks_is_said() -> None:
    """Programs are valid by what they are; a judge that is named there would be forgotten."""
    found = measure(["def f(): pass"] * 2, "validity", domain="code", quality="well_formed")
    assert "well_formed is not asked: a domain of kind code has no judge" in found.notes
