"""Values as rows and as data frames: columns and types that hold whatever the values are."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from contextvars import Context
from typing import Any

import pandas as pd
import polars as pl
import pytest

from pytest_diversity import SampleSet, assert_lexical_diversity, measure, profile
from pytest_diversity.errors import ConfigError, DiversityError
from pytest_diversity.estimate import Comparison, Estimate, Samples
from pytest_diversity.frames import Tabular
from pytest_diversity.samples import Sample
from pytest_diversity.verdict import Verdict

SAMPLES = {"p": ["a b c d e", "f g h i j"], "q": ["a b c d e", "a b c d e"], "r": ["a", "b"]}


def estimate() -> Estimate:
    """Of words, defined for the first two prompts."""
    return measure(SAMPLES, "pair_distinct(n=4)")


def effective() -> Estimate:
    """Of meanings, all of which are one."""
    return measure(
        SAMPLES, "effective_pairs()", given={"labels": {prompt: [0, 0] for prompt in SAMPLES}}
    )


def verdict(samples: Samples = SAMPLES, **bounds: Any) -> Verdict:
    """On words; no event of the run that tests this."""
    return Context().run(assert_lexical_diversity, samples, domain="prose", level="warn", **bounds)


VALUES: Mapping[str, Tabular] = {
    "samples": SampleSet.of(SAMPLES),
    "no samples": SampleSet(),
    "an estimate": estimate(),
    "an undefined estimate": measure({"p": ["a", "b"]}, "pair_distinct(n=4)"),
    "a comparison": Comparison("base", estimate(), estimate()),
    "a comparison with parts": Comparison("base", effective(), effective()),
    "a verdict": verdict(min=0.1),
    "a verdict on a change": verdict(max_drop=0.9, reference=SAMPLES),
    "a verdict on nothing": verdict(["a", "b"], min=1),
    "a profile": profile({"p": ["a"]}, domain="code"),
}
PANDAS = {str: "object", int: "Int64", float: "float64", bool: "boolean"}
POLARS = {str: pl.String, int: pl.Int64, float: pl.Float64, bool: pl.Boolean}


@pytest.mark.parametrize("case", VALUES)
def test_rows_and_frames_have_the_same_columns_whatever_is_in_them(case: str) -> None:
    """Names, order and types; so that frames of several values can be put together."""
    value = VALUES[case]
    rows, columns = value.rows(), value.columns
    assert all(list(row) == list(columns) for row in rows)
    for row in rows:
        for name, cell in row.items():
            assert cell is None or type(cell) is columns[name], name
    frame = value.to_frame("pandas")
    assert [(name, str(kind)) for name, kind in frame.dtypes.items()] == [
        (name, PANDAS[kind]) for name, kind in columns.items()
    ]
    assert dict(value.to_frame("polars").schema) == {n: POLARS[kind] for n, kind in columns.items()}
    assert value.to_frame("polars").to_dicts() == rows
    assert len(frame) == len(rows)


def test_an_estimate_has_a_row_for_each_prompt_where_it_is_defined() -> None:
    """With the domain and the metric in each, for frames that are put together."""
    assert estimate().rows() == [
        {
            "domain": "prose",
            "family": "lexical",
            "metric": "pair_distinct(n=4)",
            "prompt": prompt,
            "group": None,
            "value": value,
            "quality": None,
        }
        for prompt, value in (("p", 1.0), ("q", 0.5))
    ]


def test_a_comparison_has_the_change_of_each_prompt() -> None:
    """After less before, and its parts where the metric has some."""
    same = measure({"p": ["a b c d e"] * 2}, "pair_distinct(n=4)")
    [row] = Comparison("base", estimate(), same).rows()
    assert (row["prompt"], row["reference"]) == ("p", "base")
    assert (row["before"], row["after"], row["change"]) == (1.0, 0.5, -0.5)
    assert VALUES["a comparison with parts"].rows()[0]["narrowing"] == 0.0


def test_a_verdict_is_a_row() -> None:
    """What became of the checkpoint and of its change."""
    [row] = VALUES["a verdict on a change"].rows()
    assert (row["family"], row["status"], row["value"]) == ("lexical", "pass", 0.75)
    assert (row["reference"], row["before"], row["change"]) == ("reference", 0.75, 0.0)
    assert VALUES["a verdict"].rows()[0]["reference"] is None


def test_pandas_is_taken_before_polars(monkeypatch: pytest.MonkeyPatch) -> None:
    """And the other one where only that is installed."""
    assert isinstance(estimate().to_frame(), pd.DataFrame)
    monkeypatch.setitem(sys.modules, "pandas", None)
    assert isinstance(estimate().to_frame(), pl.DataFrame)


def test_without_either(monkeypatch: pytest.MonkeyPatch) -> None:
    """One sentence says what is missing, and what there is without it."""
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(DiversityError) as error:
        estimate().to_frame("pandas")
    assert str(error.value) == (
        "a data frame needs pandas, which is not installed; pip install pandas, or take rows()"
    )
    monkeypatch.setitem(sys.modules, "polars", None)
    with pytest.raises(DiversityError, match="a data frame needs pandas or polars, which"):
        estimate().to_frame()


def test_another_library_is_refused() -> None:
    """With the one that was meant."""
    with pytest.raises(ConfigError, match="no data frames of 'panda'; did you mean 'pandas'"):
        estimate().to_frame("panda")  # type: ignore[arg-type] # not for type checkers alone


def test_half_a_surrogate_pair(monkeypatch: pytest.MonkeyPatch) -> None:
    """What polars cannot hold is said in a sentence; pandas holds it."""
    samples = SampleSet([Sample("p", 0, "\ud800")])
    assert samples.to_frame("pandas")["text"][0] == "\ud800"
    with pytest.raises(DiversityError, match="polars cannot hold half a surrogate pair"):
        samples.to_frame("polars")
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(DiversityError, match="polars cannot hold"):
        samples.to_frame()
