"""The public face: what it holds, and what importing it costs."""

from __future__ import annotations

import inspect
import re
import subprocess
import sys
from contextvars import Context
from dataclasses import fields, is_dataclass
from pathlib import Path

import pytest

import pytest_diversity
from pytest_diversity import BudgetFailure, SampleSet, assert_lexical_diversity, measure, metrics
from pytest_diversity.errors import ConfigError, DataError

HEAVY = """
numpy scipy pandas polars torch transformers tokenizers tree_sitter icu4py sentence_transformers
peft huggingface_hub pyarrow sqlite3 tomllib
""".split()  # noqa: SIM905 - names are read, not compared

LOAD = f"""
import sys
import pytest
before = set(sys.modules)
import pytest_diversity, pytest_diversity.plugin.hooks
loaded = {{name.partition(".")[0] for name in set(sys.modules) - before}}
print(sorted(loaded & set({HEAVY})))
"""


def test_loading_the_plugin_imports_nothing_heavy() -> None:
    """The package and the plugin are loaded by every run, so they import next to nothing."""
    done = subprocess.run(  # noqa: S603 - our own code
        [sys.executable, "-c", LOAD], capture_output=True, text=True, check=False
    )
    assert (done.stdout, done.stderr) == ("[]\n", "")


def test_every_public_name_resolves() -> None:
    """`__all__` is sorted, and each of its names is there and documented."""
    names = pytest_diversity.__all__
    assert names == sorted(names)
    assert dir(pytest_diversity) == names
    for name in names:
        assert inspect.getdoc(getattr(pytest_diversity, name))


def test_an_unknown_name_is_an_attribute_error() -> None:
    """As of any module."""
    with pytest.raises(AttributeError, match="'pytest_diversity' has no attribute 'assert_divers'"):
        _ = pytest_diversity.assert_divers


SAMPLES = {"p": ["a b c d e", "f g h i j"], "q": ["a b c d e", "a b c d e"], "r": ["a", "b"]}


def test_measure() -> None:
    """An estimate has the mean over prompts, its interval, and the prompts where it is defined."""
    found = measure(SAMPLES, "pair_distinct(n=4)", domain="prose")
    assert found.value == 0.75
    assert found.per_prompt == {"p": 1.0, "q": 0.5}
    assert found.defined == pytest.approx(2 / 3)
    assert found.low is not None
    assert found.high is not None
    assert found.low < 0.75 < found.high
    assert str(found.metric) == "pair_distinct(n=4)"


def test_measure_of_one_prompt_has_no_interval() -> None:
    """A list of texts is one prompt, which says nothing about others."""
    found = measure(["a b c d e", "f g h i j"], "pair_distinct")
    assert (found.value, found.low, found.high) == (1.0, None, None)
    assert found.per_prompt == {"": 1.0}


def test_measure_where_nothing_is_defined() -> None:
    """There is a reason in place of a value, and no error."""
    found = measure({"p": ["too short", "too"]}, "pair_distinct(n=4)")
    assert (found.value, found.low, found.high, found.defined) == (None, None, None, 0)
    assert found.reason is not None
    assert "undefined for every prompt" in found.reason


def test_measure_of_a_sample_set(tmp_path: Path) -> None:
    """Samples may come from a file."""
    SampleSet.of(SAMPLES).to_jsonl(tmp_path / "samples.jsonl")
    read = SampleSet.from_jsonl(tmp_path / "samples.jsonl")
    assert measure(read, "pair_distinct") == measure(SAMPLES, "pair_distinct")


def test_measure_refuses_what_it_does_not_know() -> None:
    """Errors say what was meant."""
    with pytest.raises(ConfigError, match="unknown metric 'pair_distinkt'; did you mean"):
        measure(SAMPLES, "pair_distinkt")
    with pytest.raises(ConfigError, match="unknown domain 'pose'; did you mean 'prose'"):
        measure(SAMPLES, "pair_distinct", domain="pose")
    with pytest.raises(ConfigError, match="domain 'prose' has no samples to measure"):
        measure([], "pair_distinct")
    with pytest.raises(DataError, match="for example"):
        measure("text", "pair_distinct")


def test_the_pure_functions_are_at_hand() -> None:
    """Metrics are functions on plain sequences."""
    assert metrics.effective_pairs(["a", "a", "b"], [True, True, False]) == 0
    assert metrics.effective_pairs(["a", "b", "b"], [True, True, True]) == pytest.approx(2 / 3)


def test_assertions_work_without_a_plugin_run() -> None:
    """With samples at hand an assertion needs no fixture; it returns the verdict or raises."""
    outside = Context()  # of this run
    verdict = outside.run(assert_lexical_diversity, SAMPLES, domain="prose", min=0.1)
    assert (verdict.status, verdict.value) == ("pass", 0.75)
    with pytest.raises(BudgetFailure) as caught:
        outside.run(assert_lexical_diversity, ["a b c d e"] * 3, domain="prose", min=0.9)
    assert str(caught.value).splitlines()[0] == "prose lexical 0.500 < 0.900"


FUNCTIONS = [
    name for name in pytest_diversity.__all__ if inspect.isfunction(getattr(pytest_diversity, name))
]
SAME = "result and errors are those of `assert_lexical_diversity`"


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_says_what_it_takes_gives_and_raises(name: str) -> None:
    """Each argument by its name; or it says of which other function they are those."""
    function = getattr(pytest_diversity, name)
    text, signature = inspect.getdoc(function) or "", inspect.signature(function)
    if "Args:" in text or SAME not in text:
        assert [one for one in signature.parameters if f"\n    {one}: " not in text] == []
    if SAME not in text:
        assert "Raises:" in text
        assert signature.return_annotation == "None" or "Returns:" in text


CLASSES = [
    name for name in pytest_diversity.__all__ if is_dataclass(getattr(pytest_diversity, name))
]


@pytest.mark.parametrize("name", CLASSES)
def test_a_value_says_what_it_holds(name: str) -> None:
    """Each of its fields."""
    value = getattr(pytest_diversity, name)
    text = inspect.getdoc(value) or ""
    assert [field.name for field in fields(value) if f"{field.name}: " not in text] == []


# Their idea is nobody's: a share, or the mean of what is nobody's.
OURS = {"validity", "valid_pairs", "correctness", "format_dominance", "embedding_distance"}
RANGE = re.compile(r"in [\[(][-\d.]+, [\w .]+[\])]|above 0|>= 0|; 0 if")


@pytest.mark.parametrize("name", metrics.definitions())
def test_a_metric_says_what_its_number_means(name: str) -> None:
    """Its range, which way is more diverse, its arguments and their shapes, and whose it is."""
    definition = metrics.definitions()[name]
    text = inspect.getdoc(definition.function) or ""
    said = text.partition("Args:")[0]
    assert RANGE.search(said), said
    assert re.search({"up": r"\bup\b|higher", "down": r"\blower\b"}[definition.better], said), said
    parameters = inspect.signature(definition.function).parameters
    assert [one for one in parameters if f"\n    {one}: " not in text] == []
    matrices = [
        one for one in parameters if "embeddings" in one or one in {"distances", "surprises"}
    ]
    assert [one for one in matrices if f"{one}: Shape (" not in text] == []
    assert ("Source: " in text) == (name not in OURS)
