"""A kind of domain answers for itself: ours, and one that a project registers."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pytest_diversity import measure, register_kind
from pytest_diversity.baselines.record import settings
from pytest_diversity.config.values import Domain
from pytest_diversity.domains import _registered, kind_of
from pytest_diversity.domains.build import features_of
from pytest_diversity.domains.common import COMMON, fault_notes
from pytest_diversity.errors import ConfigError
from pytest_diversity.features import Features, Kind
from pytest_diversity.samples import Sample, SampleSet


@pytest.fixture(autouse=True)
def forget() -> Iterator[None]:
    """What a test registers is gone after it."""
    yield
    _registered.clear()


def lines(features: Features) -> Mapping[str, Any]:
    """A text as its lines."""
    return {
        name: [text.splitlines() for text in group] for name, group in features["texts"].items()
    }


RECIPE = Kind(
    name="recipe",
    features={**COMMON, "tokens": lines},
    metrics={"lexical": "distinct(n=1)"},
    settings=("language",),
)


def test_a_kind_of_ones_own_is_measured() -> None:
    """Its features are read by any metric; what it has not is undefined in a sentence."""
    register_kind(RECIPE)
    domain = Domain("cooking", kind="recipe")
    assert measure(["salt\noil", "salt\nflour"], "distinct(n=1)", domain=domain).value == 3 / 4
    missing = measure(["salt", "oil"], "validity", domain=domain)
    assert missing.reason is not None
    assert "a domain of kind 'recipe' has no valid" in missing.reason


FAULTS: Mapping[str, tuple[str, str | None, str | None]] = {
    "an answer": ("def f(x): return x  # or said in three words", "stop", None),
    "a cut answer": ("def f(x): return x  # or said in three words", "length", None),
    "an answer of unknown end": ("def f(x): return x  # or said in three words", None, None),
    "a refusal": ("def f(x): return x  # or said in three words", "refusal", "refusal"),
    "a filtered answer": ("def f(x): return x  # or said in", "content_filter", "content_filter"),
    "a call of a tool": ("", "tool_calls", "tool_calls"),
    "an answer that was broken off": ("def f(x): return x  # or said in", "abort", "abort"),
    "a malformed answer": ("", "malformed", "malformed"),
    "an empty text": (" ", "stop", "empty"),
}


@pytest.mark.parametrize("case", FAULTS)
@pytest.mark.parametrize("kind", ["code", "prose", "recipe"])
def test_only_an_answer_is_valid(case: str, kind: str) -> None:
    """In every kind, also in one whose own judge takes anything, and the count is said."""
    good = {"valid": lambda features: features.each(lambda *_: True)}
    register_kind(replace(RECIPE, features={**RECIPE.features, **good}))
    text, reason, fault = FAULTS[case]
    given = [Sample("p", 0, text, finish_reason=reason), Sample("p", 1, "def f(a): return so + it")]
    samples = SampleSet(given)
    features = features_of(samples, Domain("d", kind=kind))
    assert features["valid"]["p"] == [fault is None, True]
    note = f"1 of 2 samples are no answers (1 {fault}): they count as invalid"
    notes = measure(samples, "distinct(n=1)", domain=Domain("d", kind=kind)).notes
    assert (note in notes) is (fault is not None)


def test_faults_are_counted_by_name() -> None:
    """The commonest first, over all prompts of a checkpoint."""
    reasons = ["refusal", "stop", "content_filter", "refusal", None]
    samples = [Sample(f"p{n % 2}", n, "a text", finish_reason=r) for n, r in enumerate(reasons)]
    assert fault_notes(SampleSet(samples), "dpo") == (
        "3 of 5 samples of dpo are no answers (2 refusal, 1 content_filter): they count as invalid",
    )


CONFTEST = """
from pytest_diversity import register_kind
from pytest_diversity.domains.common import COMMON
from pytest_diversity.features import Kind

def lines(features):
    return {name: [t.splitlines() for t in group] for name, group in features["texts"].items()}

def pytest_diversity_register_metrics():
    register_kind(Kind("recipe", {**COMMON, "tokens": lines}, {"lexical": "distinct(n=1)"}))
"""
CONFIG = """
[checkpoints]
base = "replay:base.jsonl"
[domains.cooking]
kind = "recipe"
[domains.cooking.budget]
lexical = { min = 0.9, max_drop = "1%", reference = "baseline" }
"""


def test_a_kind_of_ones_own_is_gated(
    pytester: pytest.Pytester, record: Callable[..., Path]
) -> None:
    """A few lines of a conftest.py are enough for budgets and baselines: texts of one line each."""
    pytester.makeconftest(CONFTEST)
    pytester.makefile(".toml", diversity=CONFIG)
    record(pytester.path / "base.jsonl")
    pytester.runpytest_inprocess("--diversity-record").assert_outcomes(passed=1)
    recorded = json.loads((pytester.path / "tests/__diversity__/cooking.json").read_text())
    assert recorded["checkpoints"]["base"]["settings"]["kind"] == "recipe"
    pytester.runpytest_inprocess().assert_outcomes(passed=1)
    record(pytester.path / "base.jsonl", different=2)
    result = pytester.runpytest_inprocess()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["cooking lexical 0.500 < 0.900 (base)"])


def test_a_kind_without_tokens_is_gated(
    pytester: pytest.Pytester, record: Callable[..., Path]
) -> None:
    """A failure shows what evidence there is."""
    bare = CONFTEST.replace('{**COMMON, "tokens": lines}', "COMMON")
    pytester.makeconftest(bare.replace("distinct(n=1)", "compression_ratio()"))
    pytester.makefile(
        ".toml", diversity=CONFIG.split("lexical", maxsplit=1)[0] + "lexical = { max = 0.1 }"
    )
    record(pytester.path / "base.jsonl", different=1)
    result = pytester.runpytest_inprocess()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        ["cooking lexical * > 0.100 (base)", "*4 of 4 samples are the same text: *"]
    )


def test_an_unknown_kind_in_a_file(pytester: pytest.Pytester, record: Callable[..., Path]) -> None:
    """It is said with its line before anything is drawn."""
    record(pytester.path / "base.jsonl")
    pytester.makefile(".toml", diversity=CONFIG.replace('"recipe"', '"prsoe"'))
    result = pytester.runpytest_inprocess()
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(
        ["*diversity.toml:4: unknown kind 'prsoe' of *'cooking'; did you mean 'prose'[?]"]
    )


def test_an_unknown_kind() -> None:
    """Registered kinds are among those that may have been meant."""
    register_kind(RECIPE)
    with pytest.raises(
        ConfigError, match="unknown kind 'recipes' of domain 'cooking'; did you mean 'recipe'"
    ):
        measure(["salt", "oil"], "distinct", domain=Domain("cooking", kind="recipes"))


WRONG: Mapping[str, tuple[dict[str, Any], str]] = {
    "no name": ({"name": ""}, "a kind cannot be named ''; name it as in"),
    "a name with a space": ({"name": "my recipe"}, "cannot be named 'my recipe'"),
    "a misspelt family": (
        {"metrics": {"lexcal": "distinct"}},
        "kind 'recipe' has the unknown family 'lexcal'; did you mean 'lexical'?",
    ),
    "a setting that domains do not have": (
        {"settings": ("langauge",)},
        "has the unknown setting 'langauge'; did you mean 'language'?",
    ),
    "a feature that it does not have": (
        {"embedded": frozenset({"token"})},
        "has the unknown feature 'token'; did you mean 'tokens'?",
    ),
    "the name of one of ours": ({"name": "prose"}, "a kind named 'prose' exists already"),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_kinds(case: str) -> None:
    """What cannot be a kind is refused in one sentence when it is registered."""
    change, message = WRONG[case]
    with pytest.raises(ConfigError) as caught:
        register_kind(replace(RECIPE, **change))
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
    assert _registered == {}


def made(join: str) -> Kind:
    """A kind whose functions are defined within a function, as in a hook."""

    def tokens(features: Features) -> Mapping[str, Any]:
        return {name: [join.join(group)] for name, group in features["texts"].items()}

    return replace(RECIPE, features={**COMMON, "tokens": tokens}, notes=lambda _: {"lexical": join})


def test_a_hook_may_run_twice() -> None:
    """The same kind made anew is no second one; another of its name is."""
    register_kind(made(" "))
    register_kind(made(" "))
    for other in (made("-"), RECIPE):
        with pytest.raises(ConfigError, match="a kind named 'recipe' exists already"):
            register_kind(other)


def test_our_kinds_may_be_registered_again() -> None:
    """They are equal to themselves."""
    for name in ("answer", "code", "prose"):
        register_kind(kind_of(Domain("d", kind=name)))
    assert _registered == {}


@pytest.mark.parametrize(
    ("kind", "runs"),
    [("answer", False), ("code", True), ("prose", False), ("recipe", False), ("script", True)],
)
def test_programs_are_run_where_a_kind_has_some(kind: str, runs: bool) -> None:  # noqa: FBT001 - a case
    """And the user has opted in; no kind is asked for its name."""
    register_kind(RECIPE)
    register_kind(replace(RECIPE, name="script", executed=frozenset({"tokens"})))
    for execution in ("off", "sandbox"):
        domain = Domain("d", kind=kind, execution=execution)
        features = features_of(SampleSet.of(["x", "y"]), domain)
        assert (features.execute is not None) == (runs and execution == "sandbox")


OWN = {"answer": ["extract"], "code": ["language"], "prose": [], "recipe": ["language"]}


@pytest.mark.parametrize("kind", OWN)
def test_settings_of_a_baseline(kind: str) -> None:
    """Recorded baselines have these keys in this order, for ever."""
    register_kind(RECIPE)
    keys = list(settings(Domain("d", kind=kind), None, (4, 4)))
    assert keys[-2 - len(OWN[kind]) :] == [*OWN[kind], "kind", "samples"]
    assert {"extract", "language", "same_meaning"} & {*keys} == {*OWN[kind]}
