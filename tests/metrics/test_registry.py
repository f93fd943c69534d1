"""Names of metrics: canonical, parseable, and refused with one sentence where they are wrong."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any, cast

import numpy as np
import pytest
from numpy.typing import NDArray

from pytest_diversity import measure
from pytest_diversity import metrics as m
from pytest_diversity.errors import ConfigError, MetricError
from pytest_diversity.families import FAMILIES
from pytest_diversity.metrics import Metric, definitions, parse, register
from pytest_diversity.metrics.registry import _definitions

CANONICAL = {
    "a bare name takes the defaults": ("pair_distinct", "pair_distinct(n=4)"),
    "no arguments are the defaults": ("pair_distinct()", "pair_distinct(n=4)"),
    "a place stands for a name": ("hill(2)", "hill(q=2)"),
    "whole floats lose their point": ("vendi(q=2.0)", "vendi(q=2)"),
    "infinity is a number": ("vendi(q=inf)", "vendi(q=inf)"),
    "words are quoted": (
        'semantic_entropy("miller-madow")',
        "semantic_entropy(correction='miller-madow')",
    ),
    "parameters are in declared order": ("ead(vocab=9, n=2)", "ead(n=2, vocab=9)"),
    "across is part of the name": ("across(hill(0))", "across(hill(q=0))"),
    "across takes a bare name": ("across(jaccard)", "across(jaccard(n=4))"),
}
WRONG = {
    "n of 0": ("distinct(n=0)", "parameter 'n' of metric 'distinct' must be at least 1, not 0"),
    "k of 0": ("pass_at(k=0)", "must be at least 1, not 0"),
    "q of 0 for vendi": ("vendi(q=0)", "must be above 0"),
    "a negative q": ("hill(-1)", "must be at least 0"),
    "q that is not a number": ("vendi(q='x')", "must be float"),
    "patience above 1": ("novelty_utility(p=2)", "must be above 0 and at most 1"),
    "no height": ("subtree(height=0)", "must be at least 1"),
    "a vocabulary of 1": ("ead(vocab=1)", "must be at least 2"),
    "no sample": ("hdd(sample=0)", "must be at least 1"),
    "an unknown word": ("semantic_entropy('x')", "must be 'none' or 'miller-madow'"),
    "an unknown metric": ("pair_distinkt", "did you mean 'pair_distinct'"),
    "an unknown parameter": ("distinct(m=2)", "no parameter 'm'"),
    "too many parameters": ("distinct(1, 2)", "takes 1 parameters, 2 given"),
    "a fraction of an n-gram": ("distinct(n=1.5)", "must be int"),
    "no metric at all": ("2 + 2", "is not a metric"),
    "nothing": ("", "is not a metric"),
    "across of nothing": ("across()", "unknown metric 'across'"),
    "a null byte": ("hill\0", "is not a metric"),
}


@pytest.mark.parametrize("case", CANONICAL)
def test_canonical_names(case: str) -> None:
    """A name is read, and its canonical form is read back to the same metric."""
    given, canonical = CANONICAL[case]
    assert str(parse(given)) == canonical
    assert parse(canonical) == parse(given)
    assert hash(parse(canonical)) == hash(parse(given))


@pytest.mark.parametrize("name", sorted(definitions()))
def test_every_metric_has_a_name_that_parses_back(name: str) -> None:
    """The repr of every registered metric is its identity, also across prompts."""
    for metric in (parse(name), parse(f"across({name})")):
        assert parse(repr(metric)) == metric
        assert metric.definition.family in FAMILIES


@pytest.mark.parametrize("case", WRONG)
def test_wrong_names(case: str) -> None:
    """What cannot be a metric is refused in one sentence with a fix."""
    given, message = WRONG[case]
    with pytest.raises(ConfigError) as caught:
        parse(given)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
    assert caught.value.fix


CALLS: dict[str, Callable[[], object]] = {
    "n of 0": lambda: m.pair_distinct([["a"]], n=0),
    "n that is not a number": lambda: m.pair_distinct([["a"]], n="x"),  # type: ignore[arg-type]
    "q that is nan": lambda: m.hill("ab", [1, 1], q=math.nan),
    "q of 0 for a kernel": lambda: m.vendi_of_kernel([[1]], q=0),
    "c above n": lambda: m.pass_at_k(3, 4, 1),
    "k of 0": lambda: m.pass_at_k(3, 1, 0),
    "labels without validities": lambda: m.effective_pairs("abc", [1]),
    "labels without utilities": lambda: m.novelty_utility("abc", [1]),
    "distances of other samples": lambda: m.pair_semantic("ab", [1, 1], [[0]]),
    "no parameters at all": lambda: m.parameter_efficiency("ab", [1, 1], 0),
    "a flat embedding": lambda: m.vendi([1, 2, 3]),
    "an embedding of nan": lambda: m.embedding_distance([[math.nan, 1.0], [1.0, 1.0]]),
    "a kernel without ones": lambda: m.vendi_of_kernel([[2, 0], [0, 2]]),
    "an asymmetric kernel": lambda: m.vendi_of_kernel([[1, 0], [1, 1]]),
    "strings instead of tokens": lambda: m.distinct(["the cat", "the dog"]),
    "a string instead of texts": lambda: m.distinct("the cat"),
}


@pytest.mark.parametrize("case", CALLS)
def test_wrong_calls(case: str) -> None:
    """The pure functions refuse what they cannot read with one sentence, too."""
    with pytest.raises(ConfigError) as caught:
        CALLS[case]()
    assert "\n" not in str(caught.value)


UNDEFINED: dict[str, Callable[[], object]] = {
    "one sample has no pair": lambda: m.effective_pairs("a", [1]),
    "one valid sample has no pair": lambda: m.pair_semantic("ab", [1, 0]),
    "more samples asked for than drawn": lambda: m.effective_distinct_at("ab", [1, 1], k=3),
    "more valid samples asked for than there are": lambda: m.distinct_at("ab", [1, 0], k=2),
    "pass@k above n": lambda: m.pass_at_k(3, 1, 4),
    "no valid sample has no entropy": lambda: m.semantic_entropy("ab", [0, 0]),
    "no valid sample has no Hill number": lambda: m.hill("ab", [0, 0]),
    "no valid sample has no coverage": lambda: m.coverage("ab", [0, 0]),
    "no valid sample has no dominance": lambda: m.dominance("ab", [0, 0]),
    "no sample has no validity": lambda: m.validity([]),
    "no sample has no utility": lambda: m.novelty_utility([], []),
    "no embedding has no Vendi score": lambda: m.vendi([]),
    "one embedding has no distance": lambda: m.embedding_distance([[1, 2]]),
    "texts shorter than n": lambda: m.pair_distinct([["a"], ["b"]]),
    "fewer tokens than the sample": lambda: m.hdd([["a", "b"]]),
    "empty texts do not compress": lambda: m.compression_ratio(["", ""]),
    "only empty texts": lambda: m.self_bleu([[], []]),
    "one text is no pair": lambda: m.homogenization([["a"], []]),
    "programs without a tree": lambda: m.pair_subtree([None, None]),
    "no trees": lambda: m.subtree([]),
}


@pytest.mark.parametrize("case", UNDEFINED)
def test_undefined_is_a_state(case: str) -> None:
    """What cannot be known is None: never 0, never nan."""
    assert UNDEFINED[case]() is None


def words_per_text(tokens: Sequence[Sequence[str]], *, most: int = 9) -> float | None:
    """A metric of a user."""
    return min(most, sum(map(len, tokens)) / len(tokens))


@pytest.fixture
def registered() -> Iterator[None]:
    """The user's metric, as long as the test runs."""
    register(words_per_text, family="lexical", better="up", limits={"most": m.AtLeast(1)})
    yield
    del _definitions["words_per_text"]


@pytest.mark.usefixtures("registered")
def test_a_metric_of_ones_own() -> None:
    """A registered function is a metric like any other."""
    assert str(parse("words_per_text")) == "words_per_text(most=9)"
    assert measure(["a b c", "d"], "words_per_text").value == 2
    with pytest.raises(ConfigError, match="at least 1"):
        parse("words_per_text(0)")


@pytest.mark.usefixtures("registered")
def test_registering_twice() -> None:
    """The same function may be registered again; another one of its name may not."""
    register(words_per_text, family="lexical", better="up")

    def other(tokens: object) -> float | None:
        return float(bool(tokens))

    other.__name__ = "words_per_text"
    with pytest.raises(ConfigError, match="exists already"):
        register(other, family="lexical", better="up")


def test_natural_arguments() -> None:
    """Lists, tuples, strings, arrays, and 0 and 1 for truths all say the same."""
    values = {
        m.effective_pairs(labels, valid)
        for labels in ("aab", list("aab"), tuple("aab"), np.array(list("aab")))
        for valid in ([1, 0, 1], (True, False, True), np.array([1, 0, 1], dtype=bool))
    }
    assert values == {1 / 3}


@pytest.mark.parametrize("name", [name for name, one in definitions().items() if one.fewest > 1])
def test_the_fewest_samples_of_a_metric(name: str) -> None:
    """With one fewer it is undefined, whatever they are."""
    text = "The kettle sang in the cold house, and the garden was green again after the rain."
    program = f"def f(xs):\n    return sum(x * x for x in xs)  # {text}\n"
    fewest = definitions()[name].fewest
    for domain, one in (("prose", text), ("code", program)):
        few = {"p": [one] * (fewest - 1)}
        assert measure(few, name, domain=domain, embed=_embed).value is None


def _embed(texts: Sequence[str]) -> NDArray[np.float32]:
    return np.ones((len(texts), 2), dtype=np.float32)


@pytest.mark.parametrize("value", ["", [], {}, math.nan, math.inf, 2, 10**400])
def test_what_is_no_value_of_a_metric_is_refused(value: object) -> None:
    """Whatever a suite's function gives, nothing but a number in its range becomes a mean."""
    definition = parse("distinct(n=1)").definition
    metric = Metric(replace(definition, function=cast("Any", lambda **_: value)), ())
    with pytest.raises(MetricError, match="which is no number up to 1; give a finite number"):
        metric(tokens=[["a"]])


def test_a_function_that_fails_is_a_sentence() -> None:
    """It remembers what was raised, for --diversity-debug."""

    def fail(tokens: object) -> float:
        raise ZeroDivisionError(tokens)

    metric = Metric(replace(parse("distinct(n=1)").definition, function=fail), ())
    with pytest.raises(MetricError, match="metric fail\\(\\) failed: ZeroDivisionError") as caught:
        metric(tokens=[["a"]])
    assert isinstance(caught.value.__cause__, ZeroDivisionError)
