"""A user's tests, with every public name in them: read by type checkers, and run by nobody.

`assert_type` says what a name gives. A line that ends in two comments is a mistake that both must
find: a comment on a line without one is a mistake itself.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import assert_type

import pytest

import pytest_diversity
from pytest_diversity import (
    Bounds,
    BudgetFailure,
    Checkpoint,
    Comparison,
    Diversity,
    DiversityError,
    Domain,
    DomainProfile,
    Estimate,
    Generation,
    Kind,
    Quality,
    Request,
    Sample,
    SampleSet,
    Verdict,
    assert_effective_diversity,
    assert_lexical_diversity,
    assert_no_diversity_regression,
    assert_quality,
    assert_semantic_diversity,
    assert_syntactic_diversity,
    measure,
    metrics,
    profile,
    register_judge,
    register_kind,
    register_metric,
    register_sampler,
)
from pytest_diversity.errors import ConfigError, SamplingError

TEXTS: dict[str, list[str]] = {"p": ["one answer", "another one"], "q": ["yes", "no"]}


def test_the_checkpoint(diversity: Diversity, checkpoint: Checkpoint, samples: SampleSet) -> None:
    assert_type(checkpoint.name, str)
    assert_type(diversity.checkpoint, str | None)
    assert_type(diversity.samples("code", checkpoint="base"), SampleSet)
    assert_type(diversity.measure("pair_distinct(n=4)", domain="code"), Estimate)
    assert_type(diversity.profile("code"), DomainProfile)
    verdict = diversity.assert_lexical_diversity(domain="code", max_drop="20%", reference="base")
    assert_type(verdict, Verdict)
    assert_type(verdict.value, float | None)
    diversity.assert_syntactic_diversity(domain="code", min=0.1)
    diversity.assert_semantic_diversity(domain="code", worst_group_min=0.1)
    diversity.assert_effective_diversity(domain="code", max_quality_loss=0.1, max_narrowing="5%")
    diversity.assert_quality(domain="code", min=0.5, quality="adequate", level="warn")
    diversity.assert_no_diversity_regression(domain="code", family="lexical", reference="base")
    assert_lexical_diversity(samples, domain="prose", max_rise=0.1, reference=samples)

    diversity.assert_quality(min=0.5)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    diversity.measure("distinct", "code")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]


def test_samples_at_hand() -> None:
    bounds: Bounds = {"min": 0.1, "label": "mine", "length_control": "off"}
    assert_type(assert_lexical_diversity(TEXTS, domain="prose", **bounds), Verdict)
    assert_type(assert_syntactic_diversity(["a", "b"], domain="prose", max=1), Verdict)
    assert_type(assert_semantic_diversity(TEXTS, domain="prose", min=0), Verdict)
    assert_type(assert_effective_diversity(TEXTS, domain="prose", min=0), Verdict)
    assert_type(assert_quality(TEXTS, domain="prose", min=0), Verdict)
    assert_type(
        assert_no_diversity_regression(TEXTS, domain="prose", family="lexical", reference=TEXTS),
        Verdict,
    )
    assert_quality(TEXTS, domain="prose", minimum=0)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    assert_quality(TEXTS, domain="prose", min="0")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    assert_quality({"p": [1, 2]}, domain="prose")  # type: ignore[list-item]  # pyright: ignore[reportArgumentType]
    wrong: Bounds = {"minimum": 0.1}  # type: ignore[typeddict-unknown-key]  # pyright: ignore[reportAssignmentType]
    assert wrong


def test_values() -> None:
    domain = Domain("mine", samples_per_prompt=4, generation=Generation(temperature=0.7))
    judged = measure(TEXTS, "validity()", domain=domain, quality=Quality.parse("adequate"))
    assert_type(judged, Estimate)
    assert_type(judged.value, float | None)
    assert_type(judged.per_prompt, Mapping[str, float])
    found = profile(SampleSet.of(TEXTS), domain="prose")
    assert_type(found.estimates, Mapping[str, Estimate])
    comparison = Comparison("base", judged, judged)
    assert_type(comparison.before, Estimate)
    sample = Sample("p", 0, "text", finish_reason="stop", tokens=3)
    assert_type(sample.text, str)
    read = SampleSet.from_jsonl(Path("samples.jsonl"))
    assert_type(read["p"], tuple[Sample, ...])
    read.to_jsonl(Path("again.jsonl"))
    assert_type(metrics.pair_distinct([["a", "b"], ["c", "d"]], n=1), float | None)
    assert_type(metrics.parse("distinct(n=2)"), metrics.Metric)
    assert_type(pytest_diversity.metrics.effective_pairs(["a", "b"], [True, True]), float | None)

    measure(TEXTS)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    sample.text = "other"  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]
    judged.value + 1  # type: ignore[operator]  # pyright: ignore[reportOptionalOperand]
    _ = pytest_diversity.assert_divers  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType, reportUnknownVariableType]


def test_errors() -> None:
    with pytest.raises(BudgetFailure):
        assert_quality(TEXTS, domain="prose", min=1)
    try:
        measure(TEXTS, "distnct")
    except (ConfigError, SamplingError) as error:
        assert_type(error.message, str)
        assert_type(error.fix, str | None)
    raise DiversityError("what is wrong", fix="what to do")


def words_per_text(tokens: Sequence[Sequence[str]], *, least: int = 1) -> float | None:
    return sum(max(least, len(text)) for text in tokens) / len(tokens) if tokens else None


def length(prompt: str, text: str) -> float:
    return min(1.0, len(text) / len(prompt))


def draw(name: str, requests: Sequence[Request]) -> Iterator[Sample]:
    for request in requests:
        assert_type(request.generation, Generation)
        for number in request.numbers:
            yield Sample(request.prompt, number, f"{name}: {request.text}")


def pytest_diversity_register_metrics() -> None:
    register_metric(words_per_text, family="lexical", better="up", unbiased=True)
    register_metric(words_per_text, family="lexical", better="more")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


def pytest_diversity_register_samplers() -> None:
    register_sampler("mine", draw, version="1")
    register_sampler("mine", length, version="1")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


def pytest_diversity_register_judges() -> None:
    register_judge(length, version="1", threshold=0.5)
    register_judge(length)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]


def registered() -> None:
    kind = Kind("mine", features={}, metrics={"lexical": "distinct(n=1)"})
    register_kind(kind)
    register_kind("mine")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
